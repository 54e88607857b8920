import { SegmentedControl, Text } from "@mantine/core";
import { useState } from "react";
import { fieldName } from "@/components/field-name";
import { sentenceCase } from "@/components/highlight";
import { Section } from "@/components/page";
import { type Filled, SetupForm, TilePreview } from "./form-preview";
import { PayloadPreview } from "./payload-preview";
import type { Content } from "./queries";
import { isNoUrl, type TabProps } from "./shared";
import { Usage } from "./usage";
import classes from "./editor.module.css";

/** What of the integration is previewed: what users see, or what their destination gets. */
export type Side = "setup" | "payload";

interface PreviewProps extends TabProps {
  side: Side;
  onSide: (side: Side) => void;
}

/** What users will see, what is sent, and what the check says. */
export function SetupPreview({ organisation, definition, draft: { content }, check, findings, onJump, side, onSide }: PreviewProps) {
  const [filled, setFilled] = useState<Filled>({ parameters: {}, mappings: {} });
  return (
    <aside className={classes.aside} aria-label="Preview of the integration">
      <Section
        title="Preview"
        about={side === "setup" ? "The tile and the set-up, as users will see them." : "What is sent of a sample event, as you write."}
      >
        <SegmentedControl
          size="xs"
          fullWidth
          mb="sm"
          aria-label="What is previewed"
          value={side}
          data={[
            { value: "setup", label: "Tile and set-up" },
            { value: "payload", label: "Payload" },
          ]}
          onChange={(value) => {
            onSide(value === "payload" ? "payload" : "setup");
          }}
        />
        {side === "payload" ? (
          <PayloadPreview organisation={organisation} definition={definition} filled={filled} />
        ) : (
          <>
            <TilePreview content={content} />
            <div className={classes.modal}>
              <Text fw={600} mb="sm">
                Set up {content.display_name}
              </Text>
              <SetupForm content={content} filled={filled} onChange={setFilled} problems={[]} />
            </div>
          </>
        )}
      </Section>
      <CheckList check={check} findings={findings} content={content} />
      <Usage check={check} content={content} onJump={onJump} />
    </aside>
  );
}

/** Whether a problem is that a payload's URL was not filled in yet. */
function isMissing({ pointer }: { pointer: string }, content: Content): boolean {
  return (pointer === "/events/url" && isNoUrl(content.events?.url ?? "")) || (pointer === "/users/url" && isNoUrl(content.users?.url ?? ""));
}

function CheckList({ check, findings, content }: Pick<TabProps, "check" | "findings"> & { content: Content }) {
  if (check === undefined) return null;
  const { problems, warnings } = check;
  const broken = findings.filter(({ severity }) => severity === "error").length;
  return (
    <Section title="Check">
      {problems.length === 0 && (
        <Text size="sm">
          {broken > 0
            ? `It can be released, but some events break it: ${broken === 1 ? "the finding stands" : `${String(broken)} findings stand`} at the payload.`
            : warnings.length === 0
              ? "No problems: it can be released."
              : "It can be released. Check this first:"}
        </Text>
      )}
      <ul className={classes.findings}>
        {problems.map((each) => (
          <li key={each.pointer + each.message} className={classes.finding} data-severity="error">
            <b>
              {fieldName(each.pointer, content)}
              {each.line != null && `, line ${String(each.line)}`}:
            </b>{" "}
            {isMissing(each, content) ? "Enter where requests are sent." : sentenceCase(each.message)}
          </li>
        ))}
        {warnings.map((each) => (
          <li key={each.pointer + each.message} className={classes.finding}>
            <b>{fieldName(each.pointer, content)}:</b> {sentenceCase(each.message)}
          </li>
        ))}
      </ul>
    </Section>
  );
}
