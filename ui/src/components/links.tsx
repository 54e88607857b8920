import { Anchor, Button, type AnchorProps, type ButtonProps } from "@mantine/core";
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
