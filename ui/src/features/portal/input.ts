import { useQuery } from "@tanstack/react-query";
import { useMay } from "@/features/access/me";
import { eventsQuery } from "@/features/events/queries";
import { lastProject, projectsQuery } from "@/features/shell/projects";

/** How many of the newest events are looked at for the names that they have. */
const LOOKED_AT = 50;

/** What most events have, for whoever has received none yet. */
const COMMON = {
  user_id: "user-1041",
  device_id: "device-7",
  event_type: "Order Completed",
  event_time: "2026-05-28 20:07:01.795000",
  event_id: 12,
  session_id: 1795425431864,
  platform: "Web",
  os_name: "ios",
  device_type: "Apple iPhone",
  country: "Germany",
  region: "Bavaria",
  city: "Munich",
  language: "German",
  ip_address: "192.0.2.7",
  version_name: "4.2.0",
  event_properties: { total: 42.5, currency: "EUR" },
  user_properties: { email: "ann@example.com", plan: "pro" },
  group_properties: {},
  groups: {},
};

/**
 * What templates can read of events: all that the newest ones of the organisation's project have that was looked at
 * last. Without such events, what most have.
 */
export function useInput(organisation: string): Record<string, unknown> {
  const project = useReceiving(organisation);
  const recent = useQuery({
    ...eventsQuery(project?.id ?? "", { limit: LOOKED_AT }),
    enabled: project !== undefined,
    staleTime: 60_000,
  });
  return merged(recent.data?.items.map(({ event }) => event as Record<string, unknown>) ?? []);
}

/** The organisation's project that was looked at last, for whoever may see its events. */
export function useReceiving(organisation: string) {
  const looks = useMay(organisation, "deliveries:read");
  const projects = useQuery({ ...projectsQuery(organisation), enabled: looks }).data?.items ?? [];
  return projects.find(({ id }) => id === lastProject()) ?? projects[0];
}

/** One event with all members that any of these has; a value is that of the newest one that has it. */
export function merged(events: Record<string, unknown>[]): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  for (const event of events) {
    for (const [name, value] of Object.entries(event)) {
      const before = all[name];
      if (isObject(value) && (before === undefined || isObject(before))) all[name] = { ...value, ...before };
      else all[name] ??= value;
    }
  }
  return events.length === 0 ? COMMON : all;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
