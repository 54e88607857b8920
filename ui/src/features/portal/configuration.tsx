import { ConnectionInfo } from "./connection-info";
import { LimitsSection } from "./limits-section";
import { MappingsSection } from "./mappings-section";
import { ParametersSection } from "./parameters-section";
import { PayloadSection } from "./payload-section";
import { SetupPreview } from "./setup-preview";
import type { TabProps } from "./shared";
import classes from "./editor.module.css";

/** Everything that a definition says; beside it, what users will see of it. */
export function ConfigurationTab(props: TabProps) {
  return (
    <div className={classes.columns}>
      <div className={classes.form}>
        <ConnectionInfo {...props} />
        <ParametersSection {...props} />
        <MappingsSection {...props} />
        <PayloadSection {...props} part="events" />
        <PayloadSection {...props} part="users" />
        <LimitsSection {...props} />
      </div>
      <SetupPreview {...props} />
    </div>
  );
}
