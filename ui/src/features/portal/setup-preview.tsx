import { Text } from "@mantine/core";
import { useState } from "react";
import { Section } from "@/components/page";
import { type Filled, SetupForm, TilePreview } from "./form-preview";
import type { TabProps } from "./shared";
import { Usage } from "./usage";
import classes from "./editor.module.css";

/** What users will see, and what the check says. */
export function SetupPreview({ draft: { content }, check }: TabProps) {
  const [filled, setFilled] = useState<Filled>({ parameters: {}, mappings: {} });
  return (
    <aside className={classes.aside} aria-label="Preview of the integration">
      <Section title="Preview" about="The tile and the set-up, as users will see them.">
        <TilePreview content={content} />
        <div className={classes.modal}>
          <Text fw={600} mb="sm">
            Set up {content.display_name}
          </Text>
          <SetupForm content={content} filled={filled} onChange={setFilled} problems={[]} />
        </div>
      </Section>
      <CheckList check={check} />
      <Usage check={check} />
    </aside>
  );
}

function CheckList({ check }: Pick<TabProps, "check">) {
  if (check === undefined) return null;
  const { problems, warnings } = check;
  return (
    <Section title="Check">
      {problems.length === 0 && warnings.length === 0 && <Text size="sm">Nothing is wrong: it can be released.</Text>}
      <ul className={classes.findings}>
        {problems.map((each) => (
          <li key={each.pointer + each.message} className={classes.finding} data-severity="error">
            <code className="mono">{each.pointer}</code> {each.line != null && `line ${String(each.line)}: `}
            {each.message}
          </li>
        ))}
        {warnings.map((each) => (
          <li key={each.pointer + each.message} className={classes.finding}>
            <code className="mono">{each.pointer}</code> {each.message}
          </li>
        ))}
      </ul>
    </Section>
  );
}
