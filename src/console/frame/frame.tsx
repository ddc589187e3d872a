import { Alert, Anchor } from "@mantine/core";
import { useState } from "react";
import { Link, Navigate, Outlet, useLocation, useNavigation } from "react-router";
import { SessionContext, type SignedIn, useSessionQuery } from "../api/session.tsx";
import { ChangePassword } from "../door/change_password.tsx";
import { Failure } from "../parts/failure.tsx";
import { PATHS } from "../paths.ts";
import { useText } from "../text/use_text.tsx";
import { Header } from "./header.tsx";
import { Navigation } from "./navigation.tsx";
import { Waiting } from "./waiting.tsx";

/** What is around every page of somebody who is signed in; who is not is sent to the door, and back afterwards. */
export function Frame() {
  const { data: session, error, refetch } = useSessionQuery();
  const { pathname, search } = useLocation();
  if (error !== null) return <Failure error={error} retry={refetch} />;
  if (session === undefined) return <Waiting />;
  const { user } = session;
  if (user === null) {
    const back = pathname === PATHS.home ? "" : `?to=${encodeURIComponent(pathname + search)}`;
    return <Navigate to={PATHS.signIn + back} replace />;
  }
  if (session.must_change_password) return <ChangePassword user={user} />;
  return (
    <SessionContext value={{ ...session, user }}>
      <Pages session={{ ...session, user }} />
    </SessionContext>
  );
}

function Pages({ session }: { readonly session: SignedIn }) {
  const text = useText();
  const [isOpen, setOpen] = useState(false);
  const isLoading = useNavigation().state === "loading";
  return (
    <div className="frame">
      <a className="skip" href="#content">{text.frame.skip}</a>
      <Header isOpen={isOpen} onToggle={() => setOpen(!isOpen)} />
      <Navigation isOpen={isOpen} onChosen={() => setOpen(false)} />
      <main className="frame-main" id="content" aria-busy={isLoading}>
        {session.has_default_password && (
          <Alert color="yellow" mb="md">
            {text.frame.defaultPassword}{" "}
            <Anchor inherit c="inherit" underline="always" component={Link} to={PATHS.profile}>
              {text.frame.changeIt}
            </Anchor>
          </Alert>
        )}
        <Outlet />
      </main>
    </div>
  );
}
