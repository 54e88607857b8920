interface Area {
  name: string;
  /** What was done, by what stands behind the dot. */
  actions: Record<string, string>;
}

/** What the audit log holds, in words: by what stands before the dot of an action. */
const AREAS: Record<string, Area> = {
  project: {
    name: "Projects",
    actions: {
      create: "Project created",
      change: "Project changed",
      delete: "Project deleted",
      rotate_api_key: "API key rotated",
      rotate_secret_key: "Secret key rotated",
    },
  },
  sync: {
    name: "Syncs",
    actions: {
      create: "Sync created",
      change: "Sync changed",
      upgrade: "Sync upgraded",
      restore: "Sync restored to an earlier version",
      test: "Test event sent",
      delete: "Sync deleted",
    },
  },
  replay: {
    name: "Replays",
    actions: {
      create: "Replay started",
      pause: "Replay paused",
      resume: "Replay resumed",
      complete: "Import handed over",
      finish: "Replay finished",
      cancel: "Replay cancelled",
    },
  },
  definition: {
    name: "Destinations",
    actions: {
      create: "Destination created",
      change: "Destination changed",
      set_logo: "Logo changed",
      test: "Connection tested",
      release: "Version released",
      submit: "Version submitted for review",
      withdraw: "Submission withdrawn",
      approve: "Version approved",
      return: "Version sent back",
      list: "Catalog listing changed",
      admit: "Organisation admitted",
      bar: "Organisation barred",
      delete: "Destination deleted",
    },
  },
  organisation: {
    name: "Organisation",
    actions: { create: "Organisation created", rename: "Organisation renamed", delete: "Organisation deleted" },
  },
  member: { name: "Members", actions: { set_role: "Role changed", remove: "Member removed" } },
  invitation: {
    name: "Invitations",
    actions: { create: "Invited", accept: "Invitation accepted", withdraw: "Invitation withdrawn" },
  },
  token: { name: "API tokens", actions: { create: "Token created", revoke: "Token revoked" } },
  alert_channel: {
    name: "Alert channels",
    actions: { create: "Channel created", change: "Channel changed", test: "Test message sent", delete: "Channel deleted" },
  },
  alerts: {
    name: "Alert rules",
    actions: { set_rules: "Alert rules changed", reset_rules: "Alert rules reset", unsubscribe: "Unsubscribed from alerts" },
  },
  incident: { name: "Incidents", actions: { acknowledge: "Incident acknowledged", mute: "Incident muted" } },
  user: { name: "Erasures", actions: { erase: "Erasure of a user requested", erased: "User erased" } },
  person: {
    name: "Accounts",
    actions: {
      create: "Account created",
      rename: "Name changed",
      set_password: "Password changed",
      ask_password_reset: "Password reset requested",
      reset_password: "Password reset",
      set_second_factor: "Two-factor authentication turned on",
      remove_second_factor: "Two-factor authentication turned off",
      use_recovery_code: "Recovery code used",
      set_rights: "Rights changed",
      lock: "Account locked",
      unlock: "Account unlocked",
      delete: "Account deleted",
    },
  },
  session: { name: "Sessions", actions: { create: "Signed in", end: "Session ended", end_all: "All sessions ended" } },
  identity: {
    name: "Sign-in providers",
    actions: { allow: "Provider account allowed", link: "Provider account linked", remove: "Provider account removed" },
  },
  mail: { name: "Mail", actions: { read: "Link in a mail read", send_again: "Mail sent again" } },
  secrets: { name: "Encryption keys", actions: { add_key: "Key added", remove_keys: "Keys removed" } },
  installation: { name: "Installation", actions: { end_access: "All access ended" } },
};

/** What was done, in words; what this page has none for is shown as it is called. */
export function actionWords(action: string): string {
  const [area = "", did = ""] = action.split(".");
  const known = Object.hasOwn(AREAS, area) ? AREAS[area]?.actions : undefined;
  if (known !== undefined && Object.hasOwn(known, did)) return known[did] ?? action;
  const words = action.replace(".", ": ").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

interface Options {
  group: string;
  items: { value: string; label: string }[];
}

/** What can be chosen: all of an area, or one action of it. What the address asks for is among them in any case. */
export function actionOptions(chosen: string | undefined): Options[] {
  const options = Object.entries(AREAS).map(([area, { name, actions }]) => ({
    group: name,
    items: [
      { value: area, label: `${name}: everything` },
      ...Object.entries(actions).map(([did, label]) => ({ value: `${area}.${did}`, label })),
    ],
  }));
  if (chosen === undefined || options.some(({ items }) => items.some(({ value }) => value === chosen))) return options;
  return [...options, { group: "Others", items: [{ value: chosen, label: actionWords(chosen) }] }];
}
