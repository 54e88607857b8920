import { Alert, UnstyledButton } from "@mantine/core";
import { fieldName } from "@/components/field-name";
import { ConnectionInfo } from "./connection-info";
import { LimitsSection } from "./limits-section";
import { MappingsSection } from "./mappings-section";
import { ParametersSection } from "./parameters-section";
import { PayloadSection } from "./payload-section";
import { withPins } from "./pins";
import { SetupPreview } from "./setup-preview";
import type { TabProps } from "./shared";
import classes from "./editor.module.css";

/** Everything that a definition says; beside it, what users will see of it. */
export function ConfigurationTab(shared: TabProps) {
  const props = { ...shared, check: withPins(shared.check, shared.pins) };
  return (
    <div className={classes.columns}>
      <div className={classes.form}>
        {shared.pins.length > 0 && (
          <Alert color="yellow" title="The reviewer sent it back" mb="lg">
            <ul className={classes.pins}>
              {shared.pins.map(({ pointer, comment }) => (
                <li key={pointer + comment}>
                  <UnstyledButton
                    className={classes.jump ?? ""}
                    onClick={() => {
                      shared.onJump({ pointer });
                    }}
                  >
                    {fieldName(pointer, shared.draft.content)}
                  </UnstyledButton>
                  : {comment}
                </li>
              ))}
            </ul>
          </Alert>
        )}
        <ConnectionInfo {...props} />
        <ParametersSection {...props} />
        <MappingsSection {...props} />
        <PayloadSection {...props} part="events" />
        <PayloadSection {...props} part="users" />
        <LimitsSection {...props} />
      </div>
      <SetupPreview {...shared} />
    </div>
  );
}
