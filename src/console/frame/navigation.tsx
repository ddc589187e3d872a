import { NavLink, Text } from "@mantine/core";
import { Link, useLocation } from "react-router";
import { mayDo, useSession } from "../api/session.tsx";
import { useText } from "../text/use_text.tsx";
import { isBelow, sectionsOf } from "./sections.ts";

/** The pages that one may begin with; those that the roles of the user do not open are left out. */
export function Navigation({ isOpen, onChosen }: { readonly isOpen: boolean; readonly onChosen: () => void }) {
  const text = useText();
  const session = useSession();
  const { pathname } = useLocation();
  return (
    <nav
      className="frame-navigation"
      id="navigation"
      aria-label={text.frame.navigation}
      {...(isOpen ? {} : { "data-closed": true })}
    >
      {sectionsOf(text, (object, action) => mayDo(session, object, action)).map(({ title, entries }) => (
        <div key={title ?? ""}>
          {title !== undefined && <Text size="xs" c="dimmed" mt="sm" px="sm">{title}</Text>}
          {entries.map(({ to, label }) => (
            <NavLink
              key={to}
              component={Link}
              to={to}
              label={label}
              active={isBelow(pathname, to)}
              {...(isBelow(pathname, to) ? { "aria-current": "page" as const } : {})}
              onClick={onChosen}
            />
          ))}
        </div>
      ))}
    </nav>
  );
}
