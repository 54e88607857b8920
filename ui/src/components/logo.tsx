import classes from "./logo.module.css";

interface LogoProps {
  name: string;
  logo?: string | null;
  size?: number;
}

/** A destination's picture in a uniform tile; its initials where it has none. */
export function Logo({ name, logo, size = 40 }: LogoProps) {
  const words = name.split(/[\s._-]+/).filter((word) => word !== "");
  const initials = words.slice(0, 2).map((word) => Array.from(word)[0] ?? "");
  return (
    <span className={classes.tile} style={{ width: size, height: size, fontSize: size * 0.36 }} aria-hidden="true">
      {typeof logo === "string" ? (
        <img src={`/api/v1/logos/${encodeURIComponent(logo)}`} alt="" className={classes.picture} />
      ) : (
        initials.join("").toUpperCase()
      )}
    </span>
  );
}
