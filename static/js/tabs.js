// On a phone the ways stand in a row that scrolls: the present one is brought into sight.
for (const here of document.querySelectorAll('.tabs [aria-current="page"]')) {
  const row = here.closest(".tabs");
  row.scrollLeft = here.offsetLeft - row.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
}
