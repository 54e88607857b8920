import { ActionIcon, Alert, Button, Menu, Modal, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { IconDots, IconFolder } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { DANGER } from "@/app/colours";
import { api, idempotencyKey, matching, ProblemError, take, type Schemas } from "@/api/client";
import { Absent } from "@/components/absent";
import { useChecks } from "@/components/checks";
import { confirmDanger } from "@/components/confirm";
import { CopyField } from "@/components/copy";
import { ButtonLink } from "@/components/links";
import { Time } from "@/components/moment";
import { done, failed } from "@/components/notices";
import { ListHead } from "@/components/page";
import { Empty, Failed } from "@/components/states";
import { useMay } from "@/features/access/me";
import { type Project, projectsQuery } from "@/features/shell/projects";
import { Erasures } from "./erasures";
import { RetentionForm } from "./retention";
import { SensitiveForm } from "./sensitive";
import classes from "./projects.module.css";

const route = getRouteApi("/shell/o/$organisation/settings/projects");

/** An organisation's projects with their keys. */
export function ProjectsPage() {
  const { organisation } = route.useParams();
  const may = useMay(organisation, "projects:write");
  const projects = useQuery(projectsQuery(organisation));
  const [rotating, setRotating] = useState<{ project: Project; kind: Kind }>();
  const [renaming, setRenaming] = useState<Project>();
  const [opened, setOpened] = useState<{ project: Project; what: Form }>();
  if (projects.data === undefined) return <Absent query={projects} failed="Projects can't be shown" height={90} />;
  if (projects.data.items.length === 0) {
    return (
      <Empty
        icon={<IconFolder size={22} />}
        title="No projects yet"
        action={may && <ButtonLink to="/welcome">Create project</ButtonLink>}
      >
        A project is one stream of events: a product, or one of its environments.
      </Empty>
    );
  }
  return (
    <>
      <ListHead action={may && <ButtonLink to="/welcome">Create project</ButtonLink>}>
        Each project is one stream of events, with its own API key for SDKs.
      </ListHead>
      <ul className={classes.list}>
        {projects.data.items.map((project) => (
          <li key={project.id} className={classes.project}>
            <div className={classes.head}>
              <div>
                <Text fw={600}>{project.name}</Text>
                <Text size="sm" c="dimmed">
                  <span className={classes.since}>
                    Created <Time at={project.created_at} />
                  </span>
                  <span className={`mono ${classes.id ?? ""}`}>{project.id}</span>
                </Text>
              </div>
              {may && (
                <ProjectMenu
                  project={project}
                  onRename={() => {
                    setRenaming(project);
                  }}
                  onOpen={(what) => {
                    setOpened({ project, what });
                  }}
                  onRotate={(kind) => {
                    setRotating({ project, kind });
                  }}
                />
              )}
            </div>
            <Text size="sm" c="dimmed" mt={8}>
              API key
            </Text>
            <CopyField value={project.api_key} label={`API key of ${project.name}`} />
          </li>
        ))}
      </ul>
      <Modal
        opened={rotating !== undefined}
        onClose={() => {
          setRotating(undefined);
        }}
        title={rotating === undefined ? "" : `Rotate the ${KINDS[rotating.kind]} of ${rotating.project.name}`}
      >
        {rotating !== undefined && <Rotate {...rotating} />}
      </Modal>
      <Modal
        opened={opened !== undefined}
        onClose={() => {
          setOpened(undefined);
        }}
        size="lg"
        title={opened === undefined ? "" : `${FORMS[opened.what]} · ${opened.project.name}`}
      >
        {opened !== undefined && (
          <ProjectForm
            {...opened}
            onDone={() => {
              setOpened(undefined);
            }}
          />
        )}
      </Modal>
      <Modal
        opened={renaming !== undefined}
        onClose={() => {
          setRenaming(undefined);
        }}
        title="Rename project"
      >
        {renaming !== undefined && (
          <Rename
            project={renaming}
            onDone={() => {
              setRenaming(undefined);
            }}
          />
        )}
      </Modal>
    </>
  );
}

/** What is set of a project in a form of its own. */
type Form = "sensitive" | "retention" | "erasures";
const FORMS: Record<Form, string> = {
  sensitive: "Sensitive properties",
  retention: "Retention",
  erasures: "Erase a user",
};

function ProjectForm({ project, what, onDone }: { project: Project; what: Form; onDone: () => void }) {
  switch (what) {
    case "sensitive":
      return <SensitiveForm project={project} onDone={onDone} />;
    case "retention":
      return <RetentionForm project={project} onDone={onDone} />;
    case "erasures":
      return <Erasures project={project} />;
  }
}

type Kind = "api" | "secret";
const KINDS: Record<Kind, string> = { api: "API key", secret: "secret key" };

interface MenuProps {
  project: Project;
  onRename: () => void;
  onOpen: (form: Form) => void;
  onRotate: (kind: Kind) => void;
}

function ProjectMenu({ project, onRename, onOpen, onRotate }: MenuProps) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: (force: boolean) =>
      take(
        api.DELETE("/api/v1/projects/{project}", {
          params: { path: { project: project.id }, query: { force } },
        }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["projects"] });
      done(`${project.name} is deleted. Its API key no longer works.`);
    },
    onError: (error) => {
      if (!(error instanceof ProblemError) || error.code !== "project_in_use") {
        failed("The project wasn't deleted")(error);
        return;
      }
      confirmDanger({
        title: "The project has syncs",
        what: "They are deleted with it, including everything they have not delivered yet.",
        action: "Delete project and syncs",
        onConfirm: () => {
          remove.mutate(true);
        },
      });
    },
  });
  return (
    <Menu width={210}>
      <Menu.Target>
        <ActionIcon aria-label={`Actions for ${project.name}`}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={onRename}>Rename…</Menu.Item>
        {(Object.keys(FORMS) as Form[]).map((form) => (
          <Menu.Item
            key={form}
            onClick={() => {
              onOpen(form);
            }}
          >
            {FORMS[form]}…
          </Menu.Item>
        ))}
        <Menu.Item
          onClick={() => {
            onRotate("api");
          }}
        >
          Rotate API key…
        </Menu.Item>
        <Menu.Item
          onClick={() => {
            onRotate("secret");
          }}
        >
          Rotate secret key…
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          color={DANGER}
          onClick={() => {
            confirmDanger({
              title: `Delete ${project.name}?`,
              what: "Its API key stops working. This can't be undone.",
              action: "Delete project",
              onConfirm: () => {
                remove.mutate(false);
              },
            });
          }}
        >
          Delete…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Rename({ project, onDone }: { project: Project; onDone: () => void }) {
  const checks = useChecks();
  const client = useQueryClient();
  const [name, setName] = useState(project.name);
  const rename = useMutation({
    mutationFn: () =>
      take(
        api.PATCH("/api/v1/projects/{project}", {
          params: { path: { project: project.id }, header: matching(project.version) },
          body: { name },
        }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["projects"] });
      void client.invalidateQueries({ queryKey: ["project", project.id] });
      onDone();
    },
  });
  return (
    <form
      {...checks.form(() => {
        rename.mutate();
      })}
    >
      <Stack>
        <TextInput
          label="Name"
          required
          withAsterisk={false}
          data-autofocus
          value={name}
          {...checks.field("name", rename.error instanceof ProblemError ? rename.error.at("/name") : undefined)}
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        {rename.error !== null && <Failed error={rename.error} what="The project wasn't renamed" />}
        <Button type="submit" loading={rename.isPending}>
          Rename
        </Button>
      </Stack>
    </form>
  );
}

const HOUR = 3600;

function Rotate({ project, kind }: { project: Project; kind: Kind }) {
  const client = useQueryClient();
  const [hours, setHours] = useState(24);
  const [key] = useState(idempotencyKey);
  const rotate = useMutation<Schemas["ProjectView"] | Schemas["NewProjectView"]>({
    mutationFn: () => {
      const options = {
        params: { path: { project: project.id }, header: { "idempotency-key": key } },
        body: { overlap_seconds: hours * HOUR },
      };
      return kind === "api"
        ? take(api.POST("/api/v1/projects/{project}/api-key/rotate", options))
        : take(api.POST("/api/v1/projects/{project}/secret-key/rotate", options));
    },
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["projects"] });
      void client.invalidateQueries({ queryKey: ["project", project.id] });
    },
  });
  if (rotate.data !== undefined) {
    const made = rotate.data;
    const value = "secret_key" in made ? made.secret_key : made.api_key;
    return (
      <Stack>
        {"secret_key" in made && (
          <Alert color="yellow">It is not shown again. Store it where you keep secrets.</Alert>
        )}
        <CopyField value={value} label={`New ${KINDS[kind]}`} />
      </Stack>
    );
  }
  return (
    <Stack>
      <NumberInput
        label="Keep the current key valid for"
        suffix=" hours"
        description="Long enough to roll out the new one. 0 ends it immediately."
        min={0}
        max={720}
        value={hours}
        onChange={(value) => {
          setHours(typeof value === "number" ? value : 0);
        }}
      />
      {rotate.error !== null && <Failed error={rotate.error} what="The key wasn't rotated" />}
      <Button
        loading={rotate.isPending}
        onClick={() => {
          rotate.mutate();
        }}
      >
        Create new {KINDS[kind]}
      </Button>
    </Stack>
  );
}
