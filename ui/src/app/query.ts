import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ProblemError } from "@/api/client";

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
      retry: (failures, error) =>
        failures < 2 &&
        error instanceof ProblemError &&
        (error.status === 0 || error.status === 503 || error.status === 429),
    },
  },
});
