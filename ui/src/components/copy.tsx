import { ActionIcon, CopyButton, Group, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import classes from "./copy.module.css";

/** Copies a text; says so. */
export function Copy({ text, what = "Copy" }: { text: string; what?: string }) {
  return (
    <CopyButton value={text} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : what}>
          <ActionIcon size="md" onClick={copy} aria-label={copied ? "Copied" : what}>
            {copied ? <IconCheck size={15} color="var(--ms-healthy)" /> : <IconCopy size={15} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** A value to be copied, such as a key. */
export function CopyField({ value, label }: { value: string; label: string }) {
  return (
    <Group gap={4} wrap="nowrap" className={classes.field}>
      <code className={`mono ${classes.value ?? ""}`} tabIndex={0} aria-label={label}>
        {value}
      </code>
      <Copy text={value} what={`Copy ${label.toLowerCase()}`} />
    </Group>
  );
}
