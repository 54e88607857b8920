import { Link, Outlet, getRouteApi, useMatch } from "@tanstack/react-router";
import { Page } from "@/components/page";
import { Parts } from "@/components/parts";
import { Empty } from "@/components/states";
import { useMay, useOrganisation } from "@/features/access/me";
import { SETTINGS } from "./places";
import classes from "@/features/syncs/sync.module.css";

const route = getRouteApi("/shell/o/$organisation/settings");

/** The settings of an organisation, by what they are of. */
export function SettingsFrame() {
  const { organisation } = route.useParams();
  const known = useOrganisation(organisation);
  const name = known?.name ?? "Organisation";
  const audits = useMay(organisation, "audit:read");
  const onAudit = useMatch({ from: "/shell/o/$organisation/settings/audit", shouldThrow: false }) !== undefined;
  const parts = SETTINGS.filter((part) => !("permission" in part) || audits);
  return (
    <Page title="Settings" about={name}>
      <Parts label="Parts of the settings">
        {parts.map((part) => (
          <Link
            key={part.label}
            to={part.to}
            params={{ organisation }}
            className={classes.part}
            activeProps={{ "data-active": true }}
          >
            {part.label}
          </Link>
        ))}
      </Parts>
      {onAudit && known !== undefined && !audits ? (
        <Empty title="The audit log is for admins">Ask an admin or owner of your organisation who changed something.</Empty>
      ) : onAudit && known === undefined ? null : (
        <Outlet />
      )}
    </Page>
  );
}
