import { Alert, Button, Select, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi, Navigate, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, matching, ProblemError, take, type Schemas } from "@/api/client";
import { useCreationKeys } from "@/api/idempotency";
import { useChecks } from "@/components/checks";
import { CopyField } from "@/components/copy";
import { TextLink } from "@/components/links";
import { Page } from "@/components/page";
import { Empty, Failed } from "@/components/states";
import { organisationsQuery, usePerson } from "@/features/access/me";
import { useProjects } from "@/features/shell/projects";
import { Steps } from "./steps";

const route = getRouteApi("/shell/welcome");

/** Making a project, the first one above all. */
export function WelcomePage() {
  const person = usePerson();
  const organisations = useSuspenseQuery(organisationsQuery).data.items;
  const own = organisations.filter((each) => each.permissions.includes("projects:write"));
  const projects = useProjects();
  const { project: begun } = route.useSearch();
  const navigate = useNavigate();
  const [made, setMade] = useState<Schemas["NewProjectView"]>();

  if (made !== undefined) return <Made made={made} />;
  // Loaded anew after its project was made: go on with that one.
  if (begun !== undefined && projects.some(({ id }) => id === begun)) {
    return <Navigate to="/p/$project/start" params={{ project: begun }} search={{ begun: true }} replace />;
  }
  const first = own[0];
  if (first === undefined) {
    return (
      <Page title="Welcome">
        <Empty title={organisations.length === 0 ? "You are not a member of an organisation" : "There is no project yet"}>
          {organisations.length === 0
            ? "Ask a colleague for an invitation: its link brings you here."
            : "Only owners and admins of your organisation can create projects. Ask one of them."}
        </Empty>
      </Page>
    );
  }
  const only = projects.length === 1 ? projects[0] : undefined;
  return (
    <Page
      title="Create a project"
      heading={`Welcome, ${person.name}`}
      about="A project is one stream of events: a product, or one of its environments."
    >
      <Steps current={0} />
      {only !== undefined && (
        <Text size="sm" mb="md">
          You already have the project{" "}
          <TextLink to="/p/$project/start" params={{ project: only.id }} fw={500}>
            {only.name}
          </TextLink>
          : go on with it, or create another one.
        </Text>
      )}
      <ProjectForm organisations={own} first={first.id} begins={projects.length === 0} onMade={(project) => {
          setMade(project);
          // The key stays in this page alone; the address leads back to the project.
          void navigate({ to: "/welcome", search: { project: project.project.id }, replace: true });
        }}
      />
    </Page>
  );
}

interface FormProps {
  organisations: Schemas["OwnOrganisation"][];
  first: string;
  /** Whether there is no project at all yet: then the organisation gets its name, too. */
  begins: boolean;
  onMade: (made: Schemas["NewProjectView"]) => void;
}

function ProjectForm({ organisations, first, begins, onMade }: FormProps) {
  const checks = useChecks();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [organisation, setOrganisation] = useState(first);
  const keys = useCreationKeys();
  const chosen = organisations.find((each) => each.id === organisation);
  const names = begins && organisations.length === 1 && chosen?.permissions.includes("organisation:write") === true;
  const [organisationName, setOrganisationName] = useState(chosen?.name ?? "");
  const create = useMutation({
    mutationFn: async () => {
      if (names && organisationName !== chosen.name) await renameOrganisation(organisation, organisationName);
      return take(
        api.POST("/api/v1/organisations/{organisation}/projects", {
          params: { path: { organisation }, header: { "idempotency-key": keys.of({ organisation, name }) } },
          body: { name },
        }),
      );
    },
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: organisationsQuery.queryKey });
      void client.invalidateQueries({ queryKey: ["projects"] });
      onMade(made);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form {...checks.form(submit)}>
      <Stack maw={420}>
        {organisations.length > 1 && (
          <Select
            label="Organisation"
            value={organisation}
            data={organisations.map((each) => ({ value: each.id, label: each.name }))}
            onChange={(value) => {
              if (value !== null) setOrganisation(value);
            }}
          />
        )}
        {names && (
          <TextInput
            label="Organisation name"
            required
            withAsterisk={false}
            maxLength={200}
            value={organisationName}
            {...checks.field("organisation")}
            onChange={(event) => {
              setOrganisationName(event.currentTarget.value);
            }}
          />
        )}
        <TextInput
          label="Project name"
          placeholder="Shop – production"
          required
          withAsterisk={false}
          autoFocus
          maxLength={200}
          value={name}
          {...checks.field("name", create.error instanceof ProblemError ? create.error.at("/name") : undefined)}
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        {create.error !== null && <Failed error={create.error} what="The project wasn't created" />}
        <Button type="submit" loading={create.isPending} style={{ alignSelf: "flex-start" }}>
          Create project
        </Button>
      </Stack>
    </form>
  );
}

async function renameOrganisation(organisation: string, name: string): Promise<void> {
  const path = { organisation };
  const { version } = await take(api.GET("/api/v1/organisations/{organisation}", { params: { path } }));
  await take(
    api.PATCH("/api/v1/organisations/{organisation}", {
      params: { path, header: matching(version) },
      body: { name },
    }),
  );
}

function Made({ made }: { made: Schemas["NewProjectView"] }) {
  const navigate = useNavigate();
  return (
    <Page title={made.project.name} about="The project is created. These are its keys.">
      <Steps current={0} />
      <Stack maw={560}>
        <div>
          <b>API key</b>
          <p className="muted">For your SDKs. It is not a secret; you can always find it here.</p>
          <CopyField value={made.project.api_key} label="API key" />
        </div>
        <div>
          <b>Secret key</b>
          <Alert color="yellow" mt={4} mb={8}>
            It is not shown again. Store it where you keep secrets; you can rotate it later.
          </Alert>
          <CopyField value={made.secret_key} label="Secret key" />
        </div>
        <Button
          style={{ alignSelf: "flex-start" }}
          onClick={() => void navigate({ to: "/p/$project/start", params: { project: made.project.id } })}
        >
          Send the first event
        </Button>
      </Stack>
    </Page>
  );
}
