import { useRef, useState } from "react";
import { useHeldFocus } from "@/components/held-focus";
import { ConnectionInfo } from "./connection-info";
import { LimitsSection } from "./limits-section";
import { MappingsSection } from "./mappings-section";
import { ParametersSection } from "./parameters-section";
import { PayloadSection } from "./payload-section";
import { withPins } from "./pins";
import { SentBack } from "./sent-back";
import { SetupPreview, type Side } from "./setup-preview";
import type { TabProps } from "./shared";
import classes from "./editor.module.css";

/** Everything that a definition says; beside it, what users will see of it. */
export function ConfigurationTab(shared: TabProps) {
  const props = { ...shared, check: withPins(shared.check, shared.pins) };
  // Beside what somebody works on stands what becomes of it. Not on focus: drawing anew would take the selection with it
  // that is made together with the focus.
  const [side, setSide] = useState<Side>("setup");
  const place = useRef<HTMLDivElement>(null);
  useHeldFocus(place);
  return (
    <div className={classes.columns}>
      <div ref={place} className={classes.form}>
        <SentBack {...shared} />
        <div
          onPointerUp={() => {
            setSide("setup");
          }}
          onKeyUp={() => {
            setSide("setup");
          }}
        >
          <ConnectionInfo {...props} />
          <ParametersSection {...props} />
          <MappingsSection {...props} />
        </div>
        <div
          onPointerUp={() => {
            setSide("payload");
          }}
          onKeyUp={() => {
            setSide("payload");
          }}
        >
          <PayloadSection {...props} part="events" />
          <PayloadSection {...props} part="users" />
        </div>
        <LimitsSection {...props} />
      </div>
      <SetupPreview {...shared} side={side} onSide={setSide} />
    </div>
  );
}
