import { Copy } from "./copy";
import { tokens } from "./highlight";
import classes from "./code.module.css";

interface CodeProps {
  text: string;
  /** What it is, to screen readers. */
  label: string;
  /** Whether it is JSON, to be coloured as such. */
  json?: boolean;
  copy?: boolean;
  maxHeight?: number | string;
}

/** Text of machines: never interpreted, only coloured. */
export function Code({ text, label, json = false, copy = true, maxHeight }: CodeProps) {
  return (
    <div className={classes.frame}>
      {copy && (
        <div className={classes.copy}>
          <Copy text={text} />
        </div>
      )}
      <pre className={classes.text} style={{ maxHeight }} tabIndex={0} aria-label={label} role="region">
        {json
          ? tokens(text).map((token, index) => (
              <span key={index} className={token.kind === null ? undefined : classes[token.kind]}>
                {token.text}
              </span>
            ))
          : text}
      </pre>
    </div>
  );
}
