"""HTML page of the simulated site with its visible offers, for observation by hand."""

from html import escape

from gateway.demo.national_site.stock import Row, Stock

MOST = 200


def render(stock: Stock) -> str:
    """The newest offers as a page that reloads every two seconds."""
    live = stock.live()
    rows = "".join(map(_row, live[:MOST]))
    return f"""<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Site national simulé</title>
<style>body {{ font-family: sans-serif; margin: 2em }} td, th {{ text-align: left; padding: .2em 1em .2em 0 }}</style>
</head><body><h1>Site national simulé</h1><p>Offres visibles : {len(live)} ; en tout : {len(stock.rows)}.</p>
<table><tr><th>Titre<th>Employeur<th>Lieu<th>Niveaux<th>Semaines<th>Origine</tr>{rows}</table></body></html>"""


def _row(row: Row) -> str:
    locality = f"{row.zipcode} {row.city}"
    origin = "créée sur le site" if row.owner is None else f"{row.owner.email} {row.remote_id}"
    cells = (row.title, row.employer_name, locality, ", ".join(row.grades), ", ".join(row.weeks), origin)
    return "<tr>" + "".join(f"<td>{escape(str(cell))}" for cell in cells) + "</tr>"
