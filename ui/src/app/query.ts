import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ProblemError } from "@/api/client";
import { isUnreached } from "@/components/reach";

/** Asks anew who is signed in when the server says that nobody is. */
function noticeSessionsEnd(error: unknown): void {
  if (error instanceof ProblemError && error.status === 401 && error.code === "unauthenticated") {
    void queryClient.invalidateQueries({ queryKey: ["me"] });
  }
}

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, query) => {
      if (query.queryKey[0] !== "me") noticeSessionsEnd(error);
    },
  }),
  mutationCache: new MutationCache({ onError: noticeSessionsEnd }),
  defaultOptions: {
    // The server may well be on this machine: whether it answers is tried, not guessed.
    mutations: { networkMode: "always" },
    queries: {
      networkMode: "always",
      staleTime: 5_000,
      // What is shown stays while the server is away, and so does what somebody has typed: it comes back by itself.
      retry: (failures, error) =>
        isUnreached(error) ||
        (failures < 2 && error instanceof ProblemError && (error.status === 503 || error.status === 429)),
      retryDelay: (failures) => Math.min(500 * 2 ** failures, 4000),
    },
  },
});
