/** The parts of a sync, and by which other words they are looked for. */
export const SYNC_PARTS = [
  { label: "Overview", to: "/p/$project/syncs/$sync", keywords: ["pause", "enable", "resume", "health", "backlog", "charts"] },
  { label: "Deliveries", to: "/p/$project/syncs/$sync/deliveries", keywords: ["attempts", "log"] },
  { label: "Failures", to: "/p/$project/syncs/$sync/failures", keywords: ["errors", "debugger", "retries", "samples"] },
  { label: "Replay", to: "/p/$project/syncs/$sync/again", keywords: ["backfill", "send again", "import", "archive"] },
  { label: "Settings", to: "/p/$project/syncs/$sync/settings", keywords: ["set-up", "filter", "payload", "mappings"] },
  { label: "Alerts", to: "/p/$project/syncs/$sync/alerts", keywords: ["notifications"] },
  { label: "History", to: "/p/$project/syncs/$sync/history", keywords: ["changes", "versions", "differences"] },
] as const;
