import { Alert, Button, Text, UnstyledButton } from "@mantine/core";
import { TextLink } from "@/components/links";
import { useSubmission } from "./submission";
import type { TabProps } from "./shared";
import classes from "./editor.module.css";

/** What the reviewer asks for, above what is to be changed: the note, and each comment with the way to its field. */
export function SentBack({ organisation, definition, may, returned, pins, onJump }: TabProps) {
  if (returned === null) return null;
  const { note } = returned;
  return (
    <Alert color="yellow" title="Changes requested by the reviewer" mb="lg">
      {note !== "" && (
        <Text size="sm" className={classes.note ?? ""}>
          {note}
        </Text>
      )}
      {pins.length > 0 && (
        <ul className={classes.pins}>
          {pins.map(({ name, pointer, comment }) => (
            <li key={name + comment}>
              {pointer === null ? (
                name
              ) : (
                <UnstyledButton
                  className={classes.jump ?? ""}
                  onClick={() => {
                    onJump({ pointer });
                  }}
                >
                  {name}
                </UnstyledButton>
              )}
              : {comment}
            </li>
          ))}
        </ul>
      )}
      <Onwards organisation={organisation} id={definition.id} newest={definition.newest ?? 0} returned={returned.version} may={may} />
    </Alert>
  );
}

interface OnwardsProps {
  organisation: string;
  id: string;
  newest: number;
  returned: number;
  may: boolean;
}

/** What is to be done next: a version with the changes is released, then it is submitted. */
function Onwards({ organisation, id, newest, returned, may }: OnwardsProps) {
  const { pending, submit } = useSubmission(organisation, id, newest);
  const versions = (
    <TextLink to="/o/$organisation/destinations/$definition" params={{ organisation, definition: id }} search={{ tab: "versions" }} size="sm" underline="always">
      Versions
    </TextLink>
  );
  if (newest <= returned) {
    return (
      <Text size="sm" mt={8}>
        Change the draft, release it and submit the new version under {versions}.
      </Text>
    );
  }
  return (
    <>
      <Text size="sm" mt={8}>
        This was said of version {returned}. Version {newest} is released since and waits to be submitted: here, or under {versions}.
      </Text>
      {may && (
        <Button size="xs" variant="default" mt={8} loading={pending} onClick={submit}>
          Submit version {newest}
        </Button>
      )}
    </>
  );
}
