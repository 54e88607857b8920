import { Alert, Text, UnstyledButton } from "@mantine/core";
import { fieldName } from "@/components/field-name";
import { TextLink } from "@/components/links";
import type { TabProps } from "./shared";
import classes from "./editor.module.css";

/** What the reviewer asks for, above what is to be changed: the note, and each comment with the way to its field. */
export function SentBack({ organisation, definition, draft, returned, onJump }: TabProps) {
  if (returned === null) return null;
  const { note, comments } = returned;
  return (
    <Alert color="yellow" title="Changes requested by the reviewer" mb="lg">
      {note !== "" && (
        <Text size="sm" className={classes.note ?? ""}>
          {note}
        </Text>
      )}
      {comments.length > 0 && (
        <ul className={classes.pins}>
          {comments.map(({ pointer, comment }) => (
            <li key={pointer + comment}>
              <UnstyledButton
                className={classes.jump ?? ""}
                onClick={() => {
                  onJump({ pointer });
                }}
              >
                {fieldName(pointer, draft.content)}
              </UnstyledButton>
              : {comment}
            </li>
          ))}
        </ul>
      )}
      <Text size="sm" mt={8}>
        Change the draft, release it and submit the new version under{" "}
        <TextLink to="/o/$organisation/destinations/$definition" params={{ organisation, definition: definition.id }} search={{ tab: "versions" }} size="sm" underline="always">
          Versions
        </TextLink>
        .
      </Text>
    </Alert>
  );
}
