/** The parts of the installation, and by which other words they are looked for. */
export const INSTALLATION = [
  { label: "Health", to: "/installation/health", keywords: ["status", "journal", "disk", "operator", "networks allowed", "OIDC", "OpenID Connect", "single sign-on", "SSO", "mail server", "version", "configuration"] },
  { label: "Organisations", to: "/installation/organisations", keywords: ["tenants"] },
  { label: "People", to: "/installation/people", keywords: ["accounts", "users", "password reset"] },
  { label: "Outbox", to: "/installation/outbox", keywords: ["mail", "e-mail"] },
  { label: "Encryption keys", to: "/installation/secrets", keywords: ["secrets", "rotate", "seal"] },
] as const;
