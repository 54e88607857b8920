import { outlined } from "./headings";
import classes from "./prose.module.css";

/** A description as the API gives it: HTML of its Markdown with nothing in it but harmless elements. */
export function Prose({ html }: { html: string }) {
  return <div className={classes.prose} dangerouslySetInnerHTML={{ __html: outlined(html) }} />;
}
