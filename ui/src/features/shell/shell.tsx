import { ActionIcon, AppShell, Burger, Center, Group, Loader, Skeleton, Stack, Text, Tooltip } from "@mantine/core";
import { useDisclosure, useLocalStorage } from "@mantine/hooks";
import { IconHelp } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Outlet, useLocation, useNavigate, useParams, useRouterState } from "@tanstack/react-router";
import { Suspense, useEffect, useRef, useState } from "react";
import { ProblemError } from "@/api/client";
import { Mark } from "@/components/mark";
import { Failed, PageFailed } from "@/components/states";
import { meQuery } from "@/features/access/me";
import { Away } from "./away";
import { MeMenu } from "./me-menu";
import { Navigation } from "./navigation";
import { Outdated } from "./outdated-notice";
import { Palette, PaletteButton } from "./palette";
import { ProjectSwitcher } from "./project-switcher";
import { lastProject, type OwnProjects, projectQuery, rememberProject, useOwnProjects } from "./projects";
import { SessionEnd } from "./session-end";
import classes from "./shell.module.css";

/** Lets in whoever is signed in; everybody else is asked to sign in, and comes back. */
export function Shell() {
  const me = useQuery(meQuery);
  const [first, setFirst] = useState<string>();
  const now = me.data?.kind === "person" ? me.data.person.id : undefined;
  if (first === undefined && now !== undefined) setFirst(now);
  // Until it is known who it is, nothing is shown of what is behind.
  if (me.isPending) return <Blank />;
  // Whoever was in signs in again above what they were doing.
  if (me.data === undefined && me.error instanceof ProblemError && me.error.status === 401) return <ToSignIn />;
  // Whoever is in stays in while the server is away.
  if (me.data === undefined) {
    return (
      <main>
        <h1 className="sr-only">Millstream</h1>
        <PageFailed error={me.error} />
      </main>
    );
  }
  if (first !== undefined && first !== now) return <Anew />;
  return (
    <Suspense fallback={<Waiting />}>
      <Frame />
    </Suspense>
  );
}

/** Another account signed in: what was shown and typed was somebody else's, and is dropped unasked. */
function Anew() {
  useEffect(() => {
    window.location.reload();
  }, []);
  return <Blank />;
}

/** Leads to signing in, once, from where somebody is now. */
function ToSignIn() {
  const navigate = useNavigate();
  const { pathname, href } = useRouterState({ select: (state) => state.resolvedLocation ?? state.location });
  const [from] = useState(pathname === "/" ? undefined : href);
  useEffect(() => {
    void navigate({ to: "/sign-in", search: { to: from }, replace: true });
  }, [navigate, from]);
  return <Blank />;
}

/** Whether something takes longer than it mostly does. */
function useLong(milliseconds: number): boolean {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      setLong(true);
    }, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  }, [milliseconds]);
  return long;
}

/** After how long an empty screen says whose it is, and after how long a wait is spoken of. */
const BLANK_MILLISECONDS = 400;
const LONG_MILLISECONDS = 2000;

/** Nothing yet: neither the application nor the way into it. */
function Blank() {
  const long = useLong(BLANK_MILLISECONDS);
  const veryLong = useLong(LONG_MILLISECONDS);
  return (
    <Center mih="100vh" component="main">
      <h1 className="sr-only">Millstream</h1>
      <Stack align="center" gap={14} w={200} role="status" aria-busy="true" aria-label="Loading">
        {long && <Mark size={34} />}
        <Text size="sm" c="dimmed" mih={20}>
          {veryLong ? "Still loading" : ""}
        </Text>
      </Stack>
    </Center>
  );
}

/** The frame without what belongs in it, which is asked for. */
function Waiting() {
  const long = useLong(LONG_MILLISECONDS);
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 228, breakpoint: 900, collapsed: { mobile: true } }}
      transitionDuration={0}
      classNames={{ header: classes.header, navbar: classes.navbar, main: classes.main }}
    >
      <AppShell.Header>
        <Group h="100%" px={14} gap={10} wrap="nowrap">
          <Mark />
          <Skeleton height={20} width={150} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar aria-hidden>
        <Stack p={14} gap={14}>
          {Array.from({ length: 7 }, (_, row) => (
            <Skeleton key={row} height={18} width={`${String(60 + ((row * 17) % 30))}%`} />
          ))}
        </Stack>
      </AppShell.Navbar>
      <AppShell.Main>
        <Stack p={32} gap={14}>
          <Skeleton height={28} width={220} />
          <Text size="sm" c="dimmed" mih={20} role="status">
            {long ? "Still loading" : <span className="sr-only">Loading</span>}
          </Text>
          <Skeleton height={120} />
          <Skeleton height={120} />
        </Stack>
      </AppShell.Main>
    </AppShell>
  );
}

/** Whether the navigation is closed unless it is asked for: as the styles have it. */
const narrow = () => window.matchMedia("(max-width: 899.9px)").matches;

function Frame() {
  const own = useOwnProjects();
  // Once it was there, it stays, whatever is asked for anew.
  const [begun, setBegun] = useState(false);
  if (!begun && !own.pending) setBegun(true);
  return begun || !own.pending ? <Framed own={own} /> : <Waiting />;
}

function Framed({ own }: { own: OwnProjects }) {
  const params = useParams({ strict: false });
  const projects = own.items;
  const [opened, { toggle, close }] = useDisclosure(false);
  const [collapsed, setCollapsed] = useLocalStorage({
    key: "millstream-navigation-collapsed",
    defaultValue: false,
  });
  const location = useLocation();
  const navigation = useRef<HTMLDivElement>(null);
  const burger = useRef<HTMLButtonElement>(null);
  const went = useRef(false);
  useEffect(() => {
    went.current = narrow() && navigation.current?.contains(document.activeElement) === true;
    close();
  }, [location.pathname, close]);
  useEffect(() => {
    // Where the navigation goes once something is chosen in it, the focus goes on to what was chosen.
    if (!opened && went.current) document.getElementById("content")?.focus();
    went.current = false;
  }, [opened]);

  const wanted = params.project ?? lastProject();
  const inProject = params.project;
  const listed = projects.find((each) => each.id === wanted);
  // Where projects can't be listed, one can still be looked at.
  const alone = useQuery({ ...projectQuery(inProject ?? ""), enabled: inProject !== undefined && listed === undefined && own.error !== null });
  const project = listed ?? alone.data ?? projects[0];
  useEffect(() => {
    if (inProject !== undefined) rememberProject(inProject);
  }, [inProject]);

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: collapsed ? 60 : 228, breakpoint: 900, collapsed: { mobile: !opened } }}
      transitionDuration={0}
      classNames={{ header: classes.header, navbar: classes.navbar, main: classes.main }}
    >
      <a href="#content" className={classes.skip}>
        Skip to the content
      </a>
      <AppShell.Header>
        <Group h="100%" px={14} justify="space-between" wrap="nowrap" gap="sm">
          <Group gap={10} wrap="nowrap" className={classes.left}>
            <Burger
              ref={burger}
              opened={opened}
              onClick={toggle}
              size="sm"
              className={classes.burger}
              aria-label={opened ? "Close navigation" : "Open navigation"}
            />
            <Mark />
            <ProjectSwitcher projects={projects} project={project} />
          </Group>
          <Group gap={6} wrap="nowrap">
            <PaletteButton />
            <Tooltip label="Guide">
              <ActionIcon component="a" href="/docs" target="_blank" rel="noreferrer" size={32} className={classes.help ?? ""} aria-label="Guide">
                <IconHelp size={18} stroke={1.6} aria-hidden />
              </ActionIcon>
            </Tooltip>
            <MeMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar
        ref={navigation}
        data-closed={opened ? undefined : true}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || !opened) return;
          close();
          burger.current?.focus();
        }}
      >
        <Navigation project={project} collapsed={collapsed && !opened} onCollapse={setCollapsed} />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} data-covered={opened ? true : undefined}>
        <Away />
        <Outdated />
        {own.error !== null && (
          <div className={classes.notice}>
            <Failed error={own.error} what="Your projects can't be listed" again={own.again} />
          </div>
        )}
        <Suspense
          fallback={
            <Center h="50vh" role="status" aria-label="Loading">
              <Loader size="sm" />
            </Center>
          }
        >
          <Outlet />
        </Suspense>
      </AppShell.Main>
      <SessionEnd />
      <Palette projects={projects} project={project} />
    </AppShell>
  );
}
