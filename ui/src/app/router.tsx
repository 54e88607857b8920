import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { NotFound, NothingHere, PageFailed } from "@/components/states";
import { searchOf } from "@/features/deliveries/search";
import { type Range, rangeOf } from "@/features/overview/range";
import { Home } from "@/features/shell/home";
import { Shell } from "@/features/shell/shell";

/** Texts of digits alone come as numbers. */
const text = (value: unknown): string | undefined =>
  typeof value === "number" ? String(value) : typeof value === "string" && value !== "" ? value : undefined;
const whole = (value: unknown, least: number): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= least ? value : undefined;

const root = createRootRoute({ component: Outlet, notFoundComponent: NothingHere });

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search): { to?: string; error?: string } => ({
    to: text(search.to),
    error: text(search.error),
  }),
  component: lazyRouteComponent(() => import("@/features/access/sign-in"), "SignInPage"),
});
const invitation = createRoute({
  getParentRoute: () => root,
  path: "/invitation",
  component: lazyRouteComponent(() => import("@/features/access/invitation"), "InvitationPage"),
});
const passwordReset = createRoute({
  getParentRoute: () => root,
  path: "/password-reset",
  component: lazyRouteComponent(() => import("@/features/access/password-reset"), "PasswordResetPage"),
});

const signedIn = createRoute({
  getParentRoute: () => root,
  path: "/signed-in",
  component: lazyRouteComponent(() => import("@/features/access/signed-in-page"), "SignedInPage"),
});

const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell, notFoundComponent: NotFound });
const home = createRoute({ getParentRoute: () => shell, path: "/", component: Home });
const welcome = createRoute({
  getParentRoute: () => shell,
  path: "/welcome",
  validateSearch: (search): { project?: string } => ({ project: text(search.project) }),
  component: lazyRouteComponent(() => import("@/features/start/welcome"), "WelcomePage"),
});

const project = createRoute({ getParentRoute: () => shell, path: "/p/$project", notFoundComponent: NotFound });
const projectHome = createRoute({
  getParentRoute: () => project,
  path: "/",
  validateSearch: (search): { range?: Range } => ({ range: rangeOf(search.range) }),
  component: lazyRouteComponent(() => import("@/features/overview/overview"), "OverviewPage"),
});
const start = createRoute({
  getParentRoute: () => project,
  path: "/start",
  validateSearch: (search): { begun?: true } => ({ begun: search.begun === true ? true : undefined }),
  component: lazyRouteComponent(() => import("@/features/start/first-event"), "FirstEventPage"),
});
const events = createRoute({
  getParentRoute: () => project,
  path: "/events",
  validateSearch: (search): { type?: string; q?: string; event?: number } => ({
    type: text(search.type),
    q: text(search.q),
    event: whole(search.event, 0),
  }),
  component: lazyRouteComponent(() => import("@/features/events/events"), "EventsPage"),
});
const why = createRoute({
  getParentRoute: () => project,
  path: "/why",
  validateSearch: (search): { id?: string; user?: string; device?: string } => ({
    id: text(search.id),
    user: text(search.user),
    device: text(search.device),
  }),
  component: lazyRouteComponent(() => import("@/features/why/why"), "WhyPage"),
});
const users = createRoute({
  getParentRoute: () => project,
  path: "/users",
  validateSearch: (search): { user?: string; device?: string } => ({
    user: text(search.user),
    device: text(search.device),
  }),
  component: lazyRouteComponent(() => import("@/features/users/users"), "UsersPage"),
});
const alerts = createRoute({
  getParentRoute: () => project,
  path: "/alerts",
  component: lazyRouteComponent(() => import("@/features/alerts/alerts"), "AlertsPage"),
});
const catalog = createRoute({
  getParentRoute: () => project,
  path: "/catalog",
  validateSearch: (search): { q?: string; category?: string } => ({
    q: text(search.q),
    category: text(search.category),
  }),
  component: lazyRouteComponent(() => import("@/features/catalog/catalog"), "CatalogPage"),
});
const tile = createRoute({
  getParentRoute: () => project,
  path: "/catalog/$definition",
  component: lazyRouteComponent(() => import("@/features/catalog/destination"), "DestinationPage"),
});
const syncs = createRoute({
  getParentRoute: () => project,
  path: "/syncs",
  component: lazyRouteComponent(() => import("@/features/syncs/list"), "SyncsPage"),
});
const sync = createRoute({
  getParentRoute: () => project,
  path: "/syncs/$sync",
  component: lazyRouteComponent(() => import("@/features/syncs/sync"), "SyncPage"),
});
const syncOverview = createRoute({
  getParentRoute: () => sync,
  path: "/",
  validateSearch: (search): { range?: Range; resume?: true } => ({
    range: rangeOf(search.range),
    resume: search.resume === true ? true : undefined,
  }),
  component: lazyRouteComponent(() => import("@/features/syncs/overview"), "SyncOverview"),
});
const syncSettings = createRoute({
  getParentRoute: () => sync,
  path: "/settings",
  validateSearch: (search): { step?: string } => ({ step: text(search.step) }),
  component: lazyRouteComponent(() => import("@/features/setup/setup"), "SetupPage"),
});
const syncDeliveries = createRoute({
  getParentRoute: () => sync,
  path: "/deliveries",
  validateSearch: searchOf,
  component: lazyRouteComponent(() => import("@/features/deliveries/deliveries"), "DeliveriesPage"),
});
const syncFailures = createRoute({
  getParentRoute: () => sync,
  path: "/failures",
  validateSearch: (search): { range?: Range; kind?: string } => ({ range: rangeOf(search.range), kind: text(search.kind) }),
  component: lazyRouteComponent(() => import("@/features/failures/failures"), "FailuresPage"),
});
const syncAgain = createRoute({
  getParentRoute: () => sync,
  path: "/again",
  validateSearch: (search): { send?: "failed" | "events" | "archive" } => ({
    send: search.send === "failed" || search.send === "events" || search.send === "archive" ? search.send : undefined,
  }),
  component: lazyRouteComponent(() => import("@/features/again/again"), "AgainPage"),
});
const syncAlerts = createRoute({
  getParentRoute: () => sync,
  path: "/alerts",
  component: lazyRouteComponent(() => import("@/features/syncs/alerts"), "SyncAlerts"),
});
const syncHistory = createRoute({
  getParentRoute: () => sync,
  path: "/history",
  validateSearch: (search): { version?: number } => ({
    version: whole(search.version, 1),
  }),
  component: lazyRouteComponent(() => import("@/features/syncs/history"), "SyncHistory"),
});

const settings = createRoute({
  getParentRoute: () => shell,
  path: "/o/$organisation/settings",
  component: lazyRouteComponent(() => import("@/features/settings/frame"), "SettingsFrame"),
});
const settingsHome = createRoute({
  getParentRoute: () => settings,
  path: "/",
  beforeLoad: ({ params }) => redirect({ to: "/o/$organisation/settings/projects", params, replace: true, throw: true }),
});
const settingsProjects = createRoute({
  getParentRoute: () => settings,
  path: "/projects",
  component: lazyRouteComponent(() => import("@/features/settings/projects"), "ProjectsPage"),
});
const settingsMembers = createRoute({
  getParentRoute: () => settings,
  path: "/members",
  component: lazyRouteComponent(() => import("@/features/settings/members"), "MembersPage"),
});
const settingsTokens = createRoute({
  getParentRoute: () => settings,
  path: "/tokens",
  component: lazyRouteComponent(() => import("@/features/settings/tokens"), "TokensPage"),
});
const settingsAudit = createRoute({
  getParentRoute: () => settings,
  path: "/audit",
  validateSearch: (search): { action?: string; who?: string; range?: Range } => ({
    action: text(search.action),
    who: text(search.who),
    range: rangeOf(search.range),
  }),
  component: lazyRouteComponent(() => import("@/features/settings/audit"), "AuditPage"),
});
const definitions = createRoute({
  getParentRoute: () => shell,
  path: "/o/$organisation/destinations",
  component: lazyRouteComponent(() => import("@/features/portal/list"), "DefinitionsPage"),
});
const definition = createRoute({
  getParentRoute: () => shell,
  path: "/o/$organisation/destinations/$definition",
  validateSearch: (search): { tab?: "testing" | "versions" } => ({
    tab: search.tab === "testing" || search.tab === "versions" ? search.tab : undefined,
  }),
  component: lazyRouteComponent(() => import("@/features/portal/editor"), "DefinitionPage"),
});
const reviews = createRoute({
  getParentRoute: () => shell,
  path: "/reviews",
  component: lazyRouteComponent(() => import("@/features/reviews/reviews"), "ReviewsPage"),
});
const review = createRoute({
  getParentRoute: () => shell,
  path: "/reviews/$definition/$version",
  component: lazyRouteComponent(() => import("@/features/reviews/review"), "ReviewPage"),
});
const installation = createRoute({
  getParentRoute: () => shell,
  path: "/installation",
  component: lazyRouteComponent(() => import("@/features/installation/frame"), "InstallationFrame"),
});
const installationHome = createRoute({
  getParentRoute: () => installation,
  path: "/",
  beforeLoad: () => redirect({ to: "/installation/health", replace: true, throw: true }),
});
const installationHealth = createRoute({
  getParentRoute: () => installation,
  path: "/health",
  component: lazyRouteComponent(() => import("@/features/installation/health"), "HealthPage"),
});
const installationOrganisations = createRoute({
  getParentRoute: () => installation,
  path: "/organisations",
  component: lazyRouteComponent(() => import("@/features/installation/organisations"), "OrganisationsPage"),
});
const installationPeople = createRoute({
  getParentRoute: () => installation,
  path: "/people",
  validateSearch: (search): { email?: string } => ({ email: text(search.email) }),
  component: lazyRouteComponent(() => import("@/features/installation/people"), "PeoplePage"),
});
const installationOutbox = createRoute({
  getParentRoute: () => installation,
  path: "/outbox",
  validateSearch: (search): { state?: "queued" | "sent" | "failed" } => ({
    state: search.state === "queued" || search.state === "sent" || search.state === "failed" ? search.state : undefined,
  }),
  component: lazyRouteComponent(() => import("@/features/installation/outbox"), "OutboxPage"),
});
const installationSecrets = createRoute({
  getParentRoute: () => installation,
  path: "/secrets",
  component: lazyRouteComponent(() => import("@/features/installation/secrets"), "SecretsPage"),
});
const account = createRoute({
  getParentRoute: () => shell,
  path: "/account",
  component: lazyRouteComponent(() => import("@/features/account/account"), "AccountPage"),
});

const tree = root.addChildren([
  signIn,
  invitation,
  passwordReset,
  signedIn,
  shell.addChildren([
    home,
    welcome,
    project.addChildren([
      projectHome,
      start,
      events,
      why,
      users,
      alerts,
      catalog,
      tile,
      syncs,
      sync.addChildren([syncOverview, syncDeliveries, syncFailures, syncAgain, syncSettings, syncAlerts, syncHistory]),
    ]),
    settings.addChildren([settingsHome, settingsProjects, settingsMembers, settingsTokens, settingsAudit]),
    definitions,
    definition,
    reviews,
    review,
    installation.addChildren([
      installationHome,
      installationHealth,
      installationOrganisations,
      installationPeople,
      installationOutbox,
      installationSecrets,
    ]),
    account,
  ]),
]);

export const router = createRouter({
  routeTree: tree,
  defaultPreload: "intent",
  defaultErrorComponent: PageFailed,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
