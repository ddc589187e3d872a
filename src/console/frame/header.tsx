import { Burger, Button, Group, Menu } from "@mantine/core";
import { Link } from "react-router";
import { api, dataOf } from "../api/client.ts";
import { useNewSession, useSession } from "../api/session.tsx";
import { PATHS } from "../paths.ts";
import { useText } from "../text/use_text.tsx";
import { ColorChoice, LanguageChoice } from "./choices.tsx";

/** The bar at the top: who we are, who you are, and how you like it. */
export function Header({ isOpen, onToggle }: { readonly isOpen: boolean; readonly onToggle: () => void }) {
  const text = useText();
  return (
    <header className="frame-header">
      <Burger
        className="frame-burger"
        size="sm"
        opened={isOpen}
        onClick={onToggle}
        aria-label={text.frame.openNavigation}
        aria-expanded={isOpen}
        aria-controls="navigation"
      />
      <Link className="frame-brand" to={PATHS.home}>{text.frame.product}</Link>
      <Group gap="xs" wrap="nowrap">
        <LanguageChoice />
        <ColorChoice />
        <Account />
      </Group>
    </header>
  );
}

function Account() {
  const text = useText();
  const { user } = useSession();
  const newSession = useNewSession();
  const signOut = async () => {
    await dataOf(api.POST("/api/v1/users/signout"));
    await newSession();
  };
  return (
    <Menu position="bottom-end" withinPortal={false}>
      <Menu.Target>
        <Button variant="default" size="xs" aria-label={`${text.frame.account}: ${user.name}`}>{user.name}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component={Link} to={PATHS.profile}>{text.frame.profile}</Menu.Item>
        <Menu.Item onClick={signOut}>{text.frame.signOut}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
