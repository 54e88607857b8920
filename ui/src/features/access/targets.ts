/** Where to go after signing in: a path of ours, never another site's address. */
export function safeTarget(to: string | undefined): string {
  if (to === undefined || !to.startsWith("/")) return "/";
  const origin = "http://here.invalid";
  try {
    const url = new URL(to, origin);
    if (url.origin !== origin) return "/";
    return url.pathname + url.search + url.hash;
  } catch {
    return "/";
  }
}

/** What the codes mean with which a sign-in at a provider ends. */
export const REFUSALS: Record<string, string> = {
  sign_in_ended: "The sign-in took too long, or was started in another browser. Start again.",
  provider_unavailable: "Your provider doesn't respond as expected. Try again in a moment.",
  provider_refused: "Your provider refused the sign-in. Try again, or ask its administrator.",
  provider_not_trusted: "Your provider's response could not be verified. Ask your operator to check the log.",
  email_not_verified: "Your provider hasn't verified your e-mail address. Verify it there first.",
  domain_not_allowed: "Addresses of your domain can't sign in this way.",
  no_account: "There is no account for you yet. Ask a colleague to invite you.",
  identity_removed: "You removed this way to sign in. Sign in with your password to allow it again.",
  account_locked: "This account is locked. Ask an operator of the installation.",
  too_many_failures: "Too many failed attempts. Wait a minute, then try again.",
  server_failed: "Something failed here. The operator finds the reason in the log.",
};
