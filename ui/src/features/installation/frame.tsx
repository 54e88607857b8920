import { Link, Outlet } from "@tanstack/react-router";
import { Page } from "@/components/page";
import { Parts } from "@/components/parts";
import { Empty } from "@/components/states";
import { usePerson } from "@/features/access/me";
import { INSTALLATION } from "./places";
import classes from "@/features/syncs/sync.module.css";

/** What operators look after. */
export function InstallationFrame() {
  const { operator } = usePerson().installation;
  if (!operator) {
    return (
      <Page title="Installation">
        <Empty title="This is for operators">Ask an operator to change settings of the whole installation.</Empty>
      </Page>
    );
  }
  return (
    <Page title="Installation" about="Settings and state of all organisations. Only operators see this.">
      <Parts label="Parts of the installation">
        {INSTALLATION.map((part) => (
          <Link key={part.label} to={part.to} className={classes.part} activeProps={{ "data-active": true }}>
            {part.label}
          </Link>
        ))}
      </Parts>
      <Outlet />
    </Page>
  );
}
