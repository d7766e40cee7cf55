// Given names that are common in many countries and seldom ordinary words: enough to see that a column holds people.

export const givenNames: ReadonlySet<string> = new Set(
  `aaron adam adrian agnes ahmed aisha alan albert alejandro alessandro alex alexander alice alina amanda amelia amir amy ana andrea andreas
andrew angela anita anja ann anna anne anthony antonio aria arthur barbara beatriz ben benjamin bernd betty bianca birgit bob brian bruno camila
carla carlos carmen carol caroline catherine charles charlotte chen chiara chloe chris christian christina christine christopher claire clara claudia
cynthia daniel daniela david deborah denis deniz dennis diana diego dieter dmitri dominik donald dora doris dorothy edward elena elias elif elizabeth
ella emil emily emma eric erik eva evelyn fatima felix fernanda fiona florian frank franz frieda gabriel george gerald giulia goran greta hana hannah
hans harry heather heinrich helen helena helmut henrik henry ian ibrahim ida igor ines inga ingrid irina isabel isabella ivan ivo jack jacob james jan
jana jane janet jason javier jean jeffrey jennifer jessica jia joan joao johan john jonas jonathan jorge jose joseph joshua juan judith julia julian
julie jürgen kai karen karim karin karl katarina kate katharina katherine kathleen kenji kenneth kevin khalid klaus kristina lars laura lea lena leon
leonard li lily linda lisa liu louis luca lucas lucia luis luisa lukas manuel marco margaret maria marie marion mark markus marta martin mary mateo
matthew max maya mehmet mei melissa mia michael michelle miguel mike mila mio mohamed mohammed monica monika nadia nancy natalia natalie nathan nicholas
nico nicolas nicole nils nina noah nora olaf oliver olivia omar oskar oscar pamela patricia patrick paul paula pedro peter petra philip philipp pia
pierre priya quentin rachel rafael rahul ralf raul rebecca renate ricardo richard rita robert roberto robin roger roland rosa ruth ryan sabine sami samuel
sandra sara sarah scott sean sebastian sergei sharon silvia simon simone sofia sonja sophia sophie stefan stephanie stephen steven susan susanne sven
tanja tatiana teresa thomas tilda tim timothy tobias tom tomas uma ursula uwe valentina vanessa vera veronica victor viktor virginia walter wanda wang
wei werner wilhelm william wolfgang xenia yan yara yasmin yui yuki yusuf yvonne zeynep zoe`.split(/\s+/),
);
