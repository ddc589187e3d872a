import { createTheme, MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router";
import { ApiError } from "./api/client.ts";
import { createRouter } from "./routes.tsx";
import { LanguageProvider } from "./text/use_text.tsx";

const STALE_MS = 5_000;
const RETRIES_MAX = 2;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: STALE_MS,
      // What the manager has refused it refuses again.
      retry: (failures, error) => !(error instanceof ApiError && error.status < 500) && failures < RETRIES_MAX,
    },
  },
});

/** Nothing moves for those who have told their system that they do not like it. */
const theme = createTheme({ respectReducedMotion: true });

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      {/* Styles come from our own file alone: the policy of the page allows no others. */}
      <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
        <QueryClientProvider client={queries}>
          <LanguageProvider>
            <RouterProvider router={createRouter()} />
          </LanguageProvider>
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}
