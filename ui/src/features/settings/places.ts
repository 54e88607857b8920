/** The parts of an organisation's settings, and by which other words they are looked for. */
export const SETTINGS = [
  { label: "Projects and keys", to: "/o/$organisation/settings/projects", keywords: ["API key", "secret key", "rotate", "retention", "sensitive properties"] },
  { label: "Members", to: "/o/$organisation/settings/members", keywords: ["members and roles", "invite someone", "people", "invitations"] },
  { label: "API tokens", to: "/o/$organisation/settings/tokens", keywords: ["personal tokens", "automation"] },
  { label: "Audit log", to: "/o/$organisation/settings/audit", keywords: ["who changed", "history"], permission: "audit:read" },
] as const;
