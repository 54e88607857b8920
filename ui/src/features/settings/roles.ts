import type { Schemas } from "@/api/client";

export type Role = Schemas["Role"];

/** What each role may, in a few words. */
export const ROLES: Record<Role, string> = {
  viewer: "Viewer: read-only",
  partner: "Partner: defines destinations",
  member: "Member: creates and changes syncs",
  admin: "Admin: also projects, keys, members",
  owner: "Owner: full access",
};

/** The roles that somebody may give. */
export function choices(owners: boolean) {
  const roles = Object.entries(ROLES).filter(([role]) => owners || role !== "owner");
  return roles.map(([value, label]) => ({ value, label }));
}
