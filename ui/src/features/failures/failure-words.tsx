import { sentenceCase } from "@/components/highlight";
import type { Retry } from "./queries";
import classes from "./failures.module.css";

/** What an attempt met, with the beginning of the answer. */
export function FailureWords({ failure }: { failure: Retry["failure"] }) {
  return (
    <div>
      {failure.status != null && <b className="numbers">{failure.status} </b>}
      {sentenceCase(failure.message)}
      {failure.response !== "" && <div className={`mono muted ${classes.answer ?? ""}`}>{failure.response.slice(0, 200)}</div>}
    </div>
  );
}
