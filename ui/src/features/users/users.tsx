import { Button, Group, Select, TextInput } from "@mantine/core";
import { IconSearch, IconUser } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ProblemError } from "@/api/client";
import { Absent } from "@/components/absent";
import { BESIDE_FIELD, useChecks } from "@/components/checks";
import { Page } from "@/components/page";
import { Empty } from "@/components/states";
import { userQuery, type Whom } from "./queries";
import { UserDetails, UserEvents } from "./user";
import classes from "./users.module.css";

const route = getRouteApi("/shell/p/$project/users");

type Kind = "user" | "device";
const KINDS: { value: Kind; label: string }[] = [
  { value: "user", label: "User ID" },
  { value: "device", label: "Device ID" },
];

/** What a project knows of a user: properties, devices, and what each sync did with their events. */
export function UsersPage() {
  const { project } = route.useParams();
  const whom = route.useSearch();
  const sought = whom.user ?? whom.device;
  return (
    <Page title={sought ?? "Users"} heading={sought === undefined ? "Users" : <span className={`mono ${classes.sought ?? ""}`} title={sought}>{sought}</span>} about="A user's current properties and devices, and what each sync did with their newest events.">
      {/* Another address is another search: the fields begin with what it says. */}
      <Search key={`${whom.user ?? ""} ${whom.device ?? ""}`} whom={whom} />
      {sought === undefined ? (
        <div style={{ marginTop: 28 }}>
          <Empty icon={<IconUser size={22} />} title="Look up a user">
            By the user ID that your app sends, or by a device ID. Live events link here, too.
          </Empty>
        </div>
      ) : (
        <Found project={project} whom={whom} />
      )}
    </Page>
  );
}

function Search({ whom }: { whom: Whom }) {
  const checks = useChecks();
  const navigate = route.useNavigate();
  const [kind, setKind] = useState<Kind>(whom.user === undefined && whom.device !== undefined ? "device" : "user");
  const [text, setText] = useState(whom.user ?? whom.device ?? "");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const value = text.trim();
    void navigate({ search: value === "" ? {} : { [kind]: value } });
  };
  return (
    <form {...checks.form(submit)} role="search" aria-label="Users">
      <Group gap={8} align="flex-start">
        <Select
          label="Search by"
          w={{ base: "100%", xs: 160 }}
          data={KINDS}
          value={kind}
          onChange={(value) => {
            if (value === "user" || value === "device") setKind(value);
          }}
        />
        <TextInput
          label={KINDS.find(({ value }) => value === kind)?.label ?? ""}
          w={{ base: "100%", xs: 340 }}
          required
          withAsterisk={false}
          classNames={{ input: "mono" }}
          value={text}
          {...checks.field("sought")}
          onChange={(event) => {
            setText(event.currentTarget.value);
          }}
        />
        <Button type="submit" mt={{ base: 0, xs: BESIDE_FIELD }} leftSection={<IconSearch size={15} />}>
          Show
        </Button>
      </Group>
    </form>
  );
}

function Found({ project, whom }: { project: string; whom: Whom }) {
  const user = useQuery({
    ...userQuery(project, whom),
    retry: (failures, error) => !(error instanceof ProblemError && error.status === 404) && failures < 2,
  });
  const nobody = user.data === undefined && user.error instanceof ProblemError && user.error.status === 404;
  return (
    <>
      {nobody && (
        <div style={{ marginTop: 28 }}>
          <Empty icon={<IconUser size={22} />} title="User not found">
            No event has this ID, or the user was erased. IDs are case-sensitive.
          </Empty>
        </div>
      )}
      {user.data === undefined && !nobody && (
        <div style={{ marginTop: 28 }}>
          <Absent query={user} failed="The user can't be shown" rows={5} />
        </div>
      )}
      {user.data !== undefined && <UserDetails project={project} user={user.data} whom={whom} />}
      {!user.isPending && !nobody && <UserEvents project={project} whom={whom} />}
    </>
  );
}
