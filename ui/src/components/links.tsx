import { Anchor, Button, type AnchorProps, type ButtonProps } from "@mantine/core";
import { IconChevronLeft } from "@tabler/icons-react";
import { createLink } from "@tanstack/react-router";
import type { ComponentPropsWithoutRef } from "react";

type Native = Omit<ComponentPropsWithoutRef<"a">, "color" | "style" | keyof ButtonProps>;

/** A button that leads to another page. */
export const ButtonLink = createLink((props: ButtonProps & Native & { ref?: React.Ref<HTMLAnchorElement> }) => (
  <Button component="a" {...props} />
));

/** A link in text that leads to another page. */
export const TextLink = createLink(
  (props: AnchorProps & Omit<ComponentPropsWithoutRef<"a">, "color" | "style" | keyof AnchorProps> & { ref?: React.Ref<HTMLAnchorElement> }) => (
    <Anchor {...props} />
  ),
);

/** Leads from a thing to the list that it is of. */
export const BackLink = createLink(
  ({ children, ...props }: AnchorProps & Omit<ComponentPropsWithoutRef<"a">, "color" | "style" | keyof AnchorProps> & { ref?: React.Ref<HTMLAnchorElement> }) => (
    <Anchor size="sm" c="dimmed" mb={10} display="inline-flex" style={{ alignItems: "center", gap: 2, marginInlineStart: -4 }} {...props}>
      <IconChevronLeft size={15} aria-hidden />
      {children}
    </Anchor>
  ),
);
