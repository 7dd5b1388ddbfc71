// Inside Airflow the page follows the theme chosen there; elsewhere, and by default, the system's.
function follow() {
  const root = document.documentElement;
  let theme = null;
  try {
    theme = localStorage.getItem("theme");
  } catch {
    theme = null; // storage is forbidden here
  }
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  else delete root.dataset.theme;
}

follow();
addEventListener("storage", follow);
