import { Button, Divider, Stack } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ProblemError, take } from "@/api/client";
import { TextLink } from "@/components/links";
import { AccessField, AccessForm, AddressField, PasswordField } from "./form";
import { providersQuery } from "./providers";

interface SignInFormProps {
  /** Whose address stands there at first. */
  address?: string;
  /** Whether the second factor is asked for. */
  asksCode: boolean;
  onAsksCode: (asks: boolean) => void;
  onSignedIn: () => Promise<void>;
  /** Where a provider leads back to. */
  target: string;
  /** Other ways are opened in another window: what is open here stays. */
  beside?: boolean;
}

/** What is said above a form that asks for the second factor. */
export const ASKS_CODE = "Enter the code of your authenticator app, or one of your recovery codes.";

/** After the password was right, what is wrong can only be the code. */
const WRONG_CODE = "This code is wrong, or was used before. Check that your device's clock is right, or enter a recovery code.";

const isWrong = (error: Error | null) => error instanceof ProblemError && error.code === "wrong_credentials";

const needsCode = (problem: ProblemError) => problem.code === "second_factor_needed";

/** Address and password, then the code of the second factor where there is one; or another provider. */
export function SignInForm({ address = "", asksCode, onAsksCode, onSignedIn, target, beside = false }: SignInFormProps) {
  const [email, setEmail] = useState(address);
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const signIn = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/session", {
          body: { email, password, ...(asksCode ? { code: code.trim() } : {}) },
        }),
      ),
    onSuccess: onSignedIn,
    onError: (error) => {
      if (error instanceof ProblemError && needsCode(error)) onAsksCode(true);
    },
  });
  const wrongCode = asksCode && isWrong(signIn.error);
  const window = beside ? { target: "_blank", rel: "noreferrer" } : {};
  return (
    <>
      <AccessForm
        request={signIn}
        failed="Sign-in failed"
        unless={(problem) => needsCode(problem) || (asksCode && isWrong(problem))}
        action="Sign in"
        below={
          asksCode ? (
            <Button
              variant="subtle"
              color="gray"
              onClick={() => {
                onAsksCode(false);
                setCode("");
                signIn.reset();
              }}
            >
              Back
            </Button>
          ) : (
            <TextLink to="/password-reset" size="sm" {...window}>
              Forgot your password?
            </TextLink>
          )
        }
      >
        {(field) =>
          asksCode ? (
            <AccessField key="code" label="Code" autoFocus autoComplete="one-time-code" value={code} onChange={setCode} {...field("code", wrongCode ? WRONG_CODE : undefined)} />
          ) : (
            <>
              {/* Whose address is known has only the password to type. */}
              <AddressField autoFocus={address === ""} data-autofocus={address === "" || undefined} value={email} onChange={setEmail} {...field("email")} />
              <PasswordField autoFocus={address !== ""} data-autofocus={address !== "" || undefined} value={password} onChange={setPassword} {...field("password")} />
            </>
          )
        }
      </AccessForm>
      {!asksCode && <Providers target={target} window={window} />}
    </>
  );
}

/** The other ways to sign in, where there are some. */
function Providers({ target, window }: { target: string; window: { target?: string; rel?: string } }) {
  const offered = useQuery(providersQuery).data?.providers ?? [];
  if (offered.length === 0) return null;
  return (
    <>
      <Divider label="or" my="md" />
      <Stack gap="xs">
        {offered.map(({ id, name }) => (
          <Button
            key={id}
            component="a"
            variant="default"
            fullWidth
            href={`/api/v1/session/openid/${encodeURIComponent(id)}/start?return_to=${encodeURIComponent(target)}`}
            {...window}
            {...(window.target === undefined ? {} : { rightSection: <IconExternalLink size={14} aria-hidden /> })}
          >
            Sign in with {name}
            {window.target !== undefined && <span className="sr-only"> in another window</span>}
          </Button>
        ))}
      </Stack>
    </>
  );
}
