import { useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Page, Section } from "@/components/page";
import { useMay } from "@/features/access/me";
import { projectQuery } from "@/features/shell/projects";
import { Channels } from "./channels";
import { Incidents } from "./incidents";
import { RulesForm } from "./rules";

const route = getRouteApi("/shell/p/$project/alerts");

/** What was wrong with syncs, who is told of it, and when. */
export function AlertsPage() {
  const { project } = route.useParams();
  const { organisation, name } = useSuspenseQuery(projectQuery(project)).data;
  const may = useMay(organisation, "syncs:write");
  return (
    <Page title="Alerts" about={`Get notified when a sync of ${name} has a problem, and when it is resolved.`}>
      <Incidents project={project} may={may} />
      <Section title="Notification channels" about="In addition to mail to owners, admins and the sync's creator.">
        <Channels project={project} may={may} />
      </Section>
      <Section title="Alert rules" about="For all syncs of the project that have no rules of their own.">
        <RulesForm key={project} of={{ project }} may={may} />
      </Section>
    </Page>
  );
}
