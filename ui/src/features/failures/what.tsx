import type { ReactNode } from "react";
import type { Schemas } from "@/api/client";
import { namesOf, type Named } from "./names";
import classes from "./failures.module.css";

interface WhatProps extends Named {
  part: Schemas["Part"];
  offset: number;
  /** The name as a link, where it leads somewhere. */
  link?: (name: string) => ReactNode;
}

/** What is delivered: of which event and whose; its number tells it from others of the same. */
export function What({ link, ...each }: WhatProps) {
  const { name, place } = namesOf(each);
  return (
    <>
      <span className={classes.what}>{link === undefined ? name : link(name)}</span>
      <div className={`muted ${classes.place ?? ""}`}>{place}</div>
    </>
  );
}
