import { queryOptions, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import { allOf, PAGE } from "@/api/pages";

export type Permission = Schemas["Permission"];
export type Person = Schemas["PersonView"];
export type Organisation = Schemas["OwnOrganisation"];

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: () => take(api.GET("/api/v1/me")),
  staleTime: 60_000,
  retry: false,
});

/** How many organisations of a person the page holds. */
const MOST_ORGANISATIONS = 1_000;

export const organisationsQuery = queryOptions({
  queryKey: ["organisations"],
  queryFn: ({ signal }) =>
    allOf(MOST_ORGANISATIONS, (cursor) => take(api.GET("/api/v1/me/organisations", { params: { query: { limit: PAGE, cursor } }, signal }))),
  staleTime: 60_000,
});

/** The person who is signed in. Only below the shell, which lets nobody else in. */
export function usePerson(): Person {
  const { data } = useSuspenseQuery(meQuery);
  if (data.kind !== "person") throw new Error("The page is for people who are signed in.");
  return data.person;
}

/** One of the person's organisations. */
export function useOrganisation(id: string | undefined): Organisation | undefined {
  const { data } = useQuery(organisationsQuery);
  return data?.items.find((each) => each.id === id);
}

/** Whether the person may do this in the organisation; `false` until that is known. */
export function useMay(organisation: string | undefined, permission: Permission): boolean {
  return useOrganisation(organisation)?.permissions.includes(permission) ?? false;
}
