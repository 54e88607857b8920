import { Menu, Text, type MantineColorScheme, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { IconApi, IconBook, IconLogout, IconUser } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, take } from "@/api/client";
import { failed } from "@/components/notices";
import { usePerson } from "@/features/access/me";
import classes from "./me-menu.module.css";

const SCHEMES: { value: MantineColorScheme; label: string }[] = [
  { value: "auto", label: "System" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
];

/** The way out; whoever goes is asked to sign in again. */
export function useSignOut() {
  const navigate = useNavigate();
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => take(api.DELETE("/api/v1/session")),
    onSuccess: async () => {
      client.clear();
      await navigate({ to: "/sign-in" });
    },
    onError: failed("You are still signed in"),
  });
}

/** Who is signed in, how the page looks, and the way out. */
export function MeMenu() {
  const person = usePerson();
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const signOut = useSignOut();
  return (
    <Menu width={250}>
      <Menu.Target>
        <UnstyledButton className={classes.button} aria-label={`Account of ${person.name}`}>
          {Array.from(person.name)[0]?.toUpperCase() ?? "?"}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={classes.who}>
          <Text fw={600} truncate>
            {person.name}
          </Text>
          <Text size="sm" c="dimmed" truncate>
            {person.email}
          </Text>
        </div>
        <Menu.Divider />
        <Menu.Item leftSection={<IconUser size={16} />} onClick={() => void navigate({ to: "/account" })}>
          Your account
        </Menu.Item>
        <Menu.Item
          leftSection={<IconBook size={16} />}
          component="a"
          href="/docs"
          target="_blank"
          rel="noreferrer"
        >
          Guide
        </Menu.Item>
        <Menu.Item
          leftSection={<IconApi size={16} />}
          component="a"
          href="/api/reference"
          target="_blank"
          rel="noreferrer"
        >
          API reference
        </Menu.Item>
        <Menu.Divider />
        <div role="group" aria-label="Appearance">
          <Menu.Label aria-hidden>Appearance</Menu.Label>
          <Menu.RadioGroup
            value={colorScheme}
            onChange={(value) => {
              setColorScheme(value as MantineColorScheme);
            }}
          >
            {SCHEMES.map(({ value, label }) => (
              <Menu.RadioItem key={value} value={value}>
                {label}
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
        </div>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconLogout size={16} />}
          onClick={() => {
            signOut.mutate();
          }}
        >
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
