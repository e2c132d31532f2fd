"""Names, streets and places that invented people are made of."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


WOMEN = _words(
    "Maria Elizabeth Katherine Jennifer Margaret Susan Deborah Patricia Rebecca Christine Samantha Victoria Alexandra "
    "Theresa Barbara Abigail Pamela Cynthia Jessica Amanda Sofía Chloé Renée Inés Hannah Olivia Grace Naomi Leila Priya "
    "Mei Yuki Fatima Aisha Ingrid Tatiana Rosa Lucía Beatriz Camille Noor Zara Imani Keisha Latoya Dolores Ruth Esther "
    "Judith Marjorie Wilhelmina Ottilie Paloma Xiomara Bronwyn Siobhán Gwendolyn Henrietta Josephine Philippa"
)
MEN = _words(
    "William Robert Richard James Michael Thomas Charles Joseph Daniel Matthew Anthony Andrew Edward Benjamin Samuel "
    "Nicholas Alexander Timothy Gregory Lawrence José Ángel Jesús Raúl Sebastián Omar Ahmed Hiroshi Wei Raj Arjun Dmitri "
    "Lars Sven Björn Tomás Kwame Jamal Terrence Walter Harold Leonard Stanley Eugene Cornelius Ignatius Thaddeus Rufus "
    "Lionel Quentin Barnaby Ezra Silas Amos Felix Hugo Oscar Milo Jasper Desmond"
)
NICKNAMES = {
    "Elizabeth": "Liz", "Katherine": "Kate", "Jennifer": "Jen", "Margaret": "Peggy", "Susan": "Sue", "Deborah": "Debbie",
    "Patricia": "Pat", "Rebecca": "Becky", "Christine": "Chris", "Samantha": "Sam", "Victoria": "Vicky", "Theresa": "Terry",
    "Barbara": "Barb", "Abigail": "Abby", "Pamela": "Pam", "Cynthia": "Cindy", "Jessica": "Jess", "Amanda": "Mandy",
    "Josephine": "Josie", "William": "Bill", "Robert": "Bob", "Richard": "Dick", "James": "Jim", "Michael": "Mike",
    "Thomas": "Tom", "Charles": "Charlie", "Joseph": "Joe", "Daniel": "Dan", "Matthew": "Matt", "Anthony": "Tony",
    "Andrew": "Drew", "Edward": "Ted", "Benjamin": "Ben", "Samuel": "Sam", "Nicholas": "Nick", "Alexander": "Alex",
    "Timothy": "Tim", "Gregory": "Greg", "Lawrence": "Larry",
}  # fmt: skip
LAST = _words(
    "Abernathy Acosta Adeyemi Albright Almeida Andersen Arroyo Ashworth Atwater Baptiste Barrington Bautista Beaumont "
    "Bellweather Bergström Birnbaum Blackwood Bonaventure Bouchard Brannigan Brightwater Calloway Cardoza Castellanos "
    "Chakraborty Chamberlain Choudhury Cisneros Clearwater Cobblestone Cordero Crabtree Cunningham D'Angelo Dalgaard Delacroix "
    "Devereaux Dombrowski Donnelly Driscoll Dunleavy Eastman Echeverría Eisenberg Fairweather Fagundes Feingold Fernández "
    "Fitzgerald Fontaine Forsythe Gallagher Galloway García Giordano Goldfarb Greenhalgh Grimaldi Guerrero Gustafson Hadley "
    "Halvorsen Hargreaves Hathaway Hawthorne Hernández Holloway Huang Ibarra Inglewood Ivanov Jankowski Jefferson Jiménez "
    "Johansson Kaminski Kapoor Kavanagh Kensington Khalil Kilpatrick Kowalczyk Krishnan Lachance Langford Larkspur Leclerc "
    "Lindqvist Locklear Lombardi Lovelace Macallister Maldonado Marchetti McAllister McCreary Mendoza Merriweather Mirza "
    "Montague Morales Muñoz Nakamura Navarro Nightingale Nguyen O'Brien O'Sullivan Okafor Okonkwo Oliveira Oppenheim "
    "Osterberg Papadakis Pemberton Pereira Peterson Petrov Pickering Pomeroy Quintero Radcliffe Ramírez Rasmussen "
    "Ravenscroft Reyes Ridgeway Rosenthal Rousseau Rutherford Saldívar Sandoval Santos-Cruz Schneider Shaughnessy Silverstein "
    "Sorensen Stavros Steinberg Stonebridge Sundaram Takahashi Tennyson Thibodeaux Thornhill Torres Trujillo Underhill "
    "Valdez Vanderberg Vasquez Villanueva Wainwright Wallingford Weatherby Westbrook Whitaker Winchester Winterbourne Wójcik "
    "Yamamoto Yarborough Yoder Zambrano Zeller Zimmerman"
)
STREETS = _words(
    "Maple Oak Cedar Elm Chestnut Walnut Willow Birch Juniper Harbor Meadow Orchard Quarry Lantern Bellows Copperfield "
    "Saltmarsh Windmill Foxglove Heron Larkin Pemberley Thistle Wren Bramble Cobbler Ferry Granite Hollow Ironwood"
)
KINDS = (("Street", "St"), ("Avenue", "Ave"), ("Road", "Rd"), ("Lane", "Ln"), ("Drive", "Dr"), ("Court", "Ct"))
TOWNS = (
    ("Norwood", "MA", "02062", "781"), ("Needham", "MA", "02492", "781"), ("Quincy", "MA", "02169", "617"),
    ("Salem", "MA", "01970", "978"), ("Nashua", "NH", "03060", "603"), ("Providence", "RI", "02903", "401"),
    ("Worcester", "MA", "01608", "508"), ("Lowell", "MA", "01852", "978"), ("Concord", "NH", "03301", "603"),
    ("Framingham", "MA", "01702", "508"), ("Hartford", "CT", "06103", "860"), ("Portland", "ME", "04101", "207"),
)  # fmt: skip
MAIL_HOSTS = ("example.com", "example.org", "example.net", "mail.example.com", "post.example.net", "home.example.org")
FACILITIES = (
    ("Harborview Clinic", "HV"), ("Maple Street Center", "MS"), ("Northgate Suite", "NG"), ("Lakeside Practice", "LS"),
    ("Telehealth", "TH"),
)  # fmt: skip
TEMPLATES = (
    (101, "Release to psychiatrist"), (102, "Release to primary care"), (103, "Release to therapist"),
    (104, "Release to family member"), (117, "Two-way release"),
)  # fmt: skip
SPECIALTIES = ("Psychiatry", "Primary care", "Psychology", "Social work", "Neurology", "Nurse practitioner")
