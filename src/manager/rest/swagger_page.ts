/** A page that shows the API to people, made of nothing but the document beside it: no script of another site. */
export const SWAGGER_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Damselfly manager API</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h2 { margin: 2rem 0 .5rem; }
details { border: 1px solid #8885; border-radius: 4px; margin: .25rem 0; padding: .25rem .75rem; }
summary { cursor: pointer; }
b { display: inline-block; width: 4.5rem; }
pre { overflow: auto; }
</style>
<h1>Damselfly manager API</h1>
<p>The same as <a href="doc.json">OpenAPI document</a>.</p>
<main></main>
<script>
const element = (name, text, parent) => {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  parent.append(made);
  return made;
};
fetch("doc.json").then((response) => response.json()).then(({ paths }) => {
  const groups = {};
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      (groups[operation.tags[0]] ??= []).push({ path, method, operation });
    }
  }
  const main = document.querySelector("main");
  for (const [group, operations] of Object.entries(groups)) {
    element("h2", group, main);
    for (const { path, method, operation: { summary, tags, ...rest } } of operations) {
      const details = element("details", "", main);
      const line = element("summary", "", details);
      element("b", method.toUpperCase(), line);
      element("code", path, line);
      element("span", " " + summary, line);
      element("pre", JSON.stringify(rest, null, 2), details);
    }
  }
});
</script>
</html>
`;
