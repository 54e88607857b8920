import { getRouteApi } from "@tanstack/react-router";
import { useSuspenseQuery } from "@tanstack/react-query";
import { TextLink } from "@/components/links";
import { Section } from "@/components/page";
import { useMay } from "@/features/access/me";
import { Incidents } from "@/features/alerts/incidents";
import { RulesForm } from "@/features/alerts/rules";
import { projectQuery } from "@/features/shell/projects";

const route = getRouteApi("/shell/p/$project/syncs/$sync/alerts");

/** What was wrong with a sync, and by which rules it is watched. */
export function SyncAlerts() {
  const { project, sync } = route.useParams();
  const { organisation } = useSuspenseQuery(projectQuery(project)).data;
  const may = useMay(organisation, "syncs:write");
  return (
    <div>
      <Incidents project={project} sync={sync} may={may} />
      <Section
        title="Alert rules"
        about={
          <>
            Notification channels are set for the whole project, under{" "}
            <TextLink to="/p/$project/alerts" params={{ project }} underline="always">
              Alerts
            </TextLink>
            .
          </>
        }
      >
        <RulesForm key={sync} of={{ project, sync }} may={may} />
      </Section>
    </div>
  );
}
