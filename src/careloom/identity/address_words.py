"""The words of US addresses: street suffixes, directions and states, with the short forms of USPS Publication 28."""

from __future__ import annotations

# "short: other spellings". Source: USPS Publication 28, appendices B (two-letter states, directions) and C1 (street suffixes),
# the suffixes that occur in residential addresses.
_STREETS = """
aly: alley allee ally|anx: annex annx|arc: arcade|ave: avenue av aven avenu avn avnue|bch: beach|bnd: bend|blf: bluff bluf
blvd: boulevard boul boulv|br: branch brnch|brg: bridge brdge|brk: brook|byp: bypass byps|cp: camp cmp|cyn: canyon canyn
cswy: causeway causwa|ctr: center centre cent cntr centr|cir: circle circ circl crcl crcle|clf: cliff|clb: club|cmn: common
cor: corner|crse: course|ct: court crt|cts: courts|cv: cove|crk: creek|cres: crescent crsent crsnt|xing: crossing crssng
dl: dale|dr: drive driv drv|est: estate|ests: estates|expy: expressway expr express|ext: extension extn|fls: falls
fry: ferry|fld: field|flds: fields|flt: flat|frd: ford|frst: forest forests|frg: forge|frk: fork|ft: fort frt
fwy: freeway freewy frway|gdn: garden gardn grden|gdns: gardens grdns|gtwy: gateway gatewy gatway|gln: glen|grn: green
grv: grove grov|hbr: harbor harb harbr|hvn: haven|hts: heights ht|hwy: highway highwy hiway hiwy hway|hl: hill|hls: hills
holw: hollow hllw|is: island islnd|jct: junction jction junctn|ky: key|knl: knoll knol|lk: lake|lks: lakes|lndg: landing lndng
ln: lane|lgt: light|loop: loops|mnr: manor|mdw: meadow|mdws: meadows medows|ml: mill|mls: mills|msn: mission missn
mt: mount mnt|mtn: mountain mntain mtin|nck: neck|orch: orchard orchrd|oval: ovl|pkwy: parkway parkwy pkway pky
pass: passage|path: paths|pike: pikes|pne: pine|pnes: pines|pl: place|pln: plain|plz: plaza plza|pt: point|prt: port
pr: prairie prr|rnch: ranch ranches|rpd: rapid|rst: rest|rdg: ridge rdge|riv: river rvr rivr|rd: road|rds: roads|rte: route
run: runs|shr: shore shoar|spg: spring spng sprng|spgs: springs spngs sprngs|sq: square sqr sqre squ|sta: station statn stn
strm: stream streme|st: street strt str|smt: summit sumit|ter: terrace terr|trce: trace traces|trak: track trk
trl: trail trails|tunl: tunnel|tpke: turnpike trnpk turnpk|un: union|vly: valley vally vlly|vw: view|vlg: village vill villag
vl: ville|vis: vista vist|walk: walks|way: wy|wl: well|wls: wells
n: north|s: south|e: east|w: west|ne: northeast|nw: northwest|se: southeast|sw: southwest
1st: first|2nd: second|3rd: third|4th: fourth|5th: fifth|6th: sixth|7th: seventh|8th: eighth|9th: ninth|10th: tenth
"""

_STATES = """
al: alabama|ak: alaska|az: arizona|ar: arkansas|ca: california|co: colorado|ct: connecticut|de: delaware
dc: district of columbia|fl: florida|ga: georgia|hi: hawaii|id: idaho|il: illinois|in: indiana|ia: iowa|ks: kansas|ky: kentucky
la: louisiana|me: maine|md: maryland|ma: massachusetts|mi: michigan|mn: minnesota|ms: mississippi|mo: missouri|mt: montana
ne: nebraska|nv: nevada|nh: new hampshire|nj: new jersey|nm: new mexico|ny: new york|nc: north carolina|nd: north dakota
oh: ohio|ok: oklahoma|or: oregon|pa: pennsylvania|ri: rhode island|sc: south carolina|sd: south dakota|tn: tennessee
tx: texas|ut: utah|vt: vermont|va: virginia|wa: washington|wv: west virginia|wi: wisconsin|wy: wyoming|pr: puerto rico
gu: guam|vi: virgin islands|as: american samoa|mp: northern mariana islands
"""


def _entries(table: str) -> list[tuple[str, str]]:
    lines = table.strip().replace("\n", "|").split("|")
    return [(short.strip(), spellings.strip()) for short, spellings in (line.split(":") for line in lines)]


def address_words() -> list[tuple[str, str, str]]:
    """Rows (kind, word, short): kind "street" or "state", everything in lower case."""
    streets = [("street", word, short) for short, spellings in _entries(_STREETS) for word in spellings.split()]
    states = [("state", spellings, short) for short, spellings in _entries(_STATES)]
    return streets + states
