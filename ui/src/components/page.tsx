import { Group, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import classes from "./page.module.css";

interface PageProps {
  /** The page's name, also the window's. */
  title: string;
  /** Shown in place of the name. */
  heading?: ReactNode;
  about?: ReactNode;
  actions?: ReactNode;
  above?: ReactNode;
  /** Over the whole width: for editors. */
  wide?: boolean;
  children: ReactNode;
}

/** A page's frame: where one is, what one can do here, and the content. */
export function Page({ title, heading, about, actions, above, wide = false, children }: PageProps) {
  useDocumentTitle(`${title} · Millstream`);
  return (
    <div className={wide ? classes.wide : classes.page}>
      {above}
      <Group justify="space-between" align="flex-start" gap="sm" className={classes.head}>
        <div className={classes.words}>
          <Title order={1}>{heading ?? title}</Title>
          {about !== undefined && (
            <Text c="dimmed" mt={2} maw={640} component="div">
              {about}
            </Text>
          )}
        </div>
        {actions !== undefined && <Group gap={8}>{actions}</Group>}
      </Group>
      {children}
    </div>
  );
}

/** A part of a page with a name. */
export function Section({
  title,
  about,
  actions,
  children,
}: {
  title: string;
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className={classes.section}>
      <Group justify="space-between" align="flex-start" mb="sm" gap="sm">
        <div>
          <Title order={2}>{title}</Title>
          {about !== undefined && (
            <Text c="dimmed" size="sm" maw={640} component="div">
              {about}
            </Text>
          )}
        </div>
        {actions}
      </Group>
      {children}
    </section>
  );
}

/** What stands before a list: what it is of, and what one can add to it. */
export function ListHead({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return (
    <Group justify="space-between" gap="sm" mb="md" mih={36}>
      <Text c="dimmed" maw={640} className={classes.words}>
        {children}
      </Text>
      {action}
    </Group>
  );
}
