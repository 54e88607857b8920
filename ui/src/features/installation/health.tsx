import { Alert, Text } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { NO_ANSWER, ProblemError } from "@/api/client";
import { Absent } from "@/components/absent";
import { TextLink } from "@/components/links";
import { Section } from "@/components/page";
import { Failed } from "@/components/states";
import { inTime } from "@/components/amounts";
import { providersQuery } from "@/features/access/providers";
import { FailingSyncs } from "./failing";
import { installationQuery } from "./queries";
import classes from "./installation.module.css";

interface Ready {
  ready: boolean;
  reasons: string[];
}

/** Whether the server can do its work, or why not: the same that probes are told. */
async function askReady(): Promise<Ready> {
  const response = await fetch("/health/ready").catch(() => null);
  if (response === null) {
    throw new ProblemError(0, "unreachable", NO_ANSWER);
  }
  return (await response.json()) as Ready;
}

/** How the installation does, and what its configuration decides. */
export function HealthPage() {
  const health = useQuery({ queryKey: ["health"], queryFn: askReady, refetchInterval: 5000 });
  const providers = useQuery(providersQuery);
  const configured = useQuery(installationQuery);
  return (
    <>
      {health.data === undefined && <Absent query={health} failed="Health is unknown" rows={2} />}
      {health.data?.ready === true && (
        <Alert color="green" icon={<IconCircleCheck size={18} />} title="The server works" role="status">
          Event storage and the database respond, and no enabled sync falls behind in reading events.
        </Alert>
      )}
      {health.data?.ready === false && (
        <Alert color="red" icon={<IconAlertTriangle size={18} />} title="Something is wrong" role="status">
          <ul className={classes.reasons}>
            {health.data.reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </Alert>
      )}
      <FailingSyncs />
      {configured.isError && configured.data === undefined && (
        <Failed error={configured.error} what="Configuration can't be shown" again={() => void configured.refetch()} />
      )}
      <Section title="Configuration" about="Read-only here; change it in the server's configuration file or environment.">
        <dl className={classes.facts}>
          <div>
            <dt>Mail</dt>
            <dd>
              {providers.data === undefined ? (
                "…"
              ) : providers.data.sends_mail ? (
                "A mail server is set up for invitations and notifications."
              ) : (
                <>
                  No mail server is set up (<code className="mono">mail.host</code>): mails wait in the{" "}
                  <TextLink to="/installation/outbox" underline="always">outbox</TextLink>.
                </>
              )}
            </dd>
          </div>
          <div>
            <dt>Sign-in</dt>
            <dd>
              {["With a password", ...(providers.data?.providers ?? []).map(({ name }) => `at ${name}`)].join(", ")}
              {providers.data?.providers.length === 0 && (
                <>
                  . Providers of OpenID Connect are added under <code className="mono">access.openid</code>.
                </>
              )}
            </dd>
          </div>
          <div>
            <dt>Allowed networks</dt>
            <dd>
              {configured.data === undefined ? (
                "…"
              ) : configured.data.networks_allowed.length === 0 ? (
                <>
                  Public ones only: no private one is named in <code className="mono">egress.allow</code>.
                </>
              ) : (
                <>
                  Public ones, and by <code className="mono">egress.allow</code>:{" "}
                  <code className="mono">{configured.data.networks_allowed.join(", ")}</code>.
                </>
              )}{" "}
              A connection test names the address that was refused.
            </dd>
          </div>
          <div>
            <dt>Retention</dt>
            <dd>
              {configured.data === undefined ? "…" : kept(configured.data.events_hours)} at most, failed deliveries{" "}
              {configured.data === undefined ? "…" : kept(configured.data.outcomes_hours)} (<code className="mono">journal.retention_age</code>,{" "}
              <code className="mono">journal.ended_max_age</code>). Projects may keep theirs for a shorter time.
            </dd>
          </div>
          <div>
            <dt>Public URL</dt>
            <dd>
              {configured.data === undefined ? "…" : <code className="mono">{configured.data.public_url}</code>} (
              <code className="mono">control.public_url</code>), used in links of mails.
            </dd>
          </div>
          <div>
            <dt>Version</dt>
            <dd>{configured.data === undefined ? "…" : `Millstream ${configured.data.version}`}</dd>
          </div>
          <div>
            <dt>Monitoring</dt>
            <dd>
              <a href="/metrics">/metrics</a>, in Prometheus&apos; text format; the checks are{" "}
              <code className="mono">/health/live</code> and <code className="mono">/health/ready</code>.
            </dd>
          </div>
        </dl>
        <Text size="sm" mt="md">
          <a href="/docs/configuration">All settings with their ranges</a>
        </Text>
      </Section>
    </>
  );
}

/** How long something is kept, in words. */
function kept(hours: number | null | undefined): string {
  return hours == null ? "without a bound" : inTime(hours * 3600);
}
