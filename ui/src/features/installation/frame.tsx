import { Link, Outlet } from "@tanstack/react-router";
import { Page } from "@/components/page";
import { Parts } from "@/components/parts";
import { Empty } from "@/components/states";
import { usePerson } from "@/features/access/me";
import classes from "@/features/syncs/sync.module.css";

const PARTS = [
  { label: "Health", to: "/installation/health" },
  { label: "Organisations", to: "/installation/organisations" },
  { label: "People", to: "/installation/people" },
  { label: "Outbox", to: "/installation/outbox" },
  { label: "Keys of secrets", to: "/installation/secrets" },
] as const;

/** What operators look after. */
export function InstallationFrame() {
  const { operator } = usePerson().installation;
  if (!operator) {
    return (
      <Page title="Installation">
        <Empty title="This is for operators">Ask one of them where something of the whole installation is to be changed.</Empty>
      </Page>
    );
  }
  return (
    <Page title="Installation" about="What concerns all organisations. You see it because you are an operator.">
      <Parts label="Parts of the installation">
        {PARTS.map((part) => (
          <Link key={part.label} to={part.to} className={classes.part} activeProps={{ "data-active": true }}>
            {part.label}
          </Link>
        ))}
      </Parts>
      <Outlet />
    </Page>
  );
}
