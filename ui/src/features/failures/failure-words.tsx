import { sentenceCase } from "@/components/highlight";
import { inZone } from "@/components/time";
import type { Retry } from "./queries";
import classes from "./failures.module.css";

/** What an attempt met, with the beginning of the answer. */
export function FailureWords({ failure }: { failure: Retry["failure"] }) {
  return (
    <div>
      {failure.status != null && <b className="numbers">{failure.status} </b>}
      {sentenceCase(inZone(failure.message))}
      {failure.response !== "" && (
        <div className={`mono muted ${classes.answer ?? ""}`} title={failure.response.slice(0, 1000)}>
          {failure.response.slice(0, 200)}
        </div>
      )}
    </div>
  );
}
