/** Cooking and baking: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const cooking: readonly ArticleText[] = [
  {
    id: 101,
    title: 'Why your loaf did not rise',
    body: 'Dough that stays flat has usually met water that was too hot, which kills the yeast before it can work. Use lukewarm water, let the dough prove somewhere warm for an hour, and be patient. A cold kitchen can double the time. The bread comes out dense and heavy when the dough has had too little time.',
  },
  {
    id: 102,
    title: 'Keeping a sourdough starter alive',
    body: 'Feed the starter with equal parts flour and water once a day, or once a week if it lives in the fridge. A healthy one smells sharp and doubles in a few hours. If it turns grey, throw away all but a spoonful and begin again from that. The wild yeast in it raises bread without any from a packet.',
  },
  {
    id: 103,
    title: 'A crisp crust at home',
    body: 'Bakers spray steam into the oven for the first ten minutes. At home, bake the bread in a lidded iron pot and take the lid off half way. The trapped moisture keeps the surface soft long enough for the loaf to swell, and then it browns. Home bakers get the same crust as from a bakery oven.',
  },
  {
    id: 104,
    title: 'Kneading by hand or by machine',
    body: 'Ten minutes of kneading by hand stretches the gluten so that dough holds its gas. A stand mixer with a hook does it in five. Stop when a thin sheet of dough lets the light through without tearing. Bread dough that was kneaded too little bakes into a dense, crumbly loaf.',
  },
  {
    id: 105,
    title: 'What to do with stale bread',
    body: 'A loaf two days old makes better toast, croutons and breadcrumbs than a fresh one. Cube it, toss it with oil and garlic, and bake until golden. Very dry slices can be soaked in milk and egg for French toast. Only bread with mould on it belongs in the bin.',
  },
  {
    id: 107,
    title: 'Spaghetti that does not stick',
    body: 'Boil plenty of salted water, stir the pasta during the first minute, and leave the oil in the bottle: it only keeps the sauce from clinging. Save a cup of the starchy water before you drain. Drained noodles that wait for the sauce stick together whatever you do.',
  },
  {
    id: 108,
    title: 'Matching pasta shapes with sauce',
    body: 'Long thin strands such as spaghetti suit tomato or oil, ridged tubes hold a meat ragu, and wide ribbons carry cream. The rule is simple: the chunkier the sauce, the larger the noodle. Italian cooks choose the pasta first and the sauce second.',
  },
  {
    id: 109,
    title: 'Fresh noodles from flour and eggs',
    body: 'One egg to a hundred grams of flour makes enough pasta for one hungry person. Knead until smooth, rest the dough for half an hour under a cloth, and roll it thin enough to read a newspaper through. Homemade pasta cooks in two minutes, half the time of dried spaghetti.',
  },
  {
    id: 110,
    title: 'A tomato sauce for the whole week',
    body: 'Soften onions and garlic slowly in olive oil, add two tins of tomatoes and simmer for forty minutes. The sauce keeps five days in the fridge and goes with pasta, beans or eggs. Canned tomatoes have more taste than fresh ones in winter.',
  },
  {
    id: 112,
    title: 'Sharpening a kitchen knife',
    body: 'A whetstone and ten minutes bring back a dull blade. Soak the stone, hold the knife at about twenty degrees, and draw the edge across it until you feel a burr; then turn it over. A sharp knife is safer because it does not slip. Cooks sharpen their kitchen knives before the edge is blunt, not after.',
  },
  {
    id: 113,
    title: 'Honing steel and whetstone are not the same',
    body: 'The steel only straightens an edge that has folded over, and it should be used every few days. Grinding away metal on a stone makes a blunt blade keen again and is needed two or three times a year. A butcher uses the steel between two cuts and a grinder once a season to sharpen the blade.',
  },
  {
    id: 114,
    title: "Choosing your first chef's knife",
    body: 'Hold it before you pay for it. A blade of twenty centimetres handles onions, herbs and meat, and the balance should sit where your finger meets the steel. Expensive sets mostly hold knives that you will never use. Look for steel that can be sharpened at home.',
  },
  {
    id: 115,
    title: 'Cutting boards, wood or plastic',
    body: "Wood is kind to the edge of your knife and heals its own scratches; plastic goes into the dishwasher. Glass boards blunt a blade in an evening. Keep a separate board for raw chicken. Stone and ceramic worktops dull a knife's edge as well.",
  },
  {
    id: 117,
    title: 'Chicken stock from bones',
    body: 'Cover the bones of a roast with cold water, add an onion, a carrot and a bay leaf, and let it tremble for three hours without boiling. Skim the foam, strain, and freeze the broth in small tubs for soup. Homemade stock is the base of soups, sauces and risotto.',
  },
  {
    id: 118,
    title: 'Rescuing a soup that is too salty',
    body: 'A peeled potato takes up less salt than people say. More water, a splash of cream or a squeeze of lemon work better, because they dilute or balance the broth. Next time, season at the end. Taste the soup again after every correction.',
  },
  {
    id: 119,
    title: 'A vegetable broth with depth',
    body: 'Brown the onions, mushrooms and carrot tops in the pot before the water goes in. A strip of dried seaweed or a spoon of soy sauce gives the stock the savoury taste that meat would have given. Stock cubes contain little besides salt, and homemade stock costs next to nothing.',
  },
  {
    id: 120,
    title: 'Thickening a stew without lumps',
    body: 'Mash a few of the potatoes or beans into the liquid, or stir flour into cold water first and pour it in as a thin paste. Flour thrown straight into hot soup forms lumps that never leave. Soup, stew and sauce thicken further as they cool.',
  },
  {
    id: 122,
    title: 'Boiled eggs, soft and hard',
    body: 'Lower eggs into boiling water: six minutes leave the yolk runny, nine make it firm. Plunge them into iced water at once, which stops the cooking and lets the shell come off cleanly. Older eggs are easier to peel than fresh ones.',
  },
  {
    id: 123,
    title: 'Poaching without vinegar',
    body: 'Strain the watery part of the white away through a sieve and slide what is left into barely moving water. Fresh eggs keep their shape; older ones are better scrambled or fried. Cook poached eggs for three minutes and lift them out with a slotted spoon.',
  },
  {
    id: 124,
    title: 'The omelette test',
    body: 'Cooks are hired on the strength of an omelette. Hot butter, beaten eggs, thirty seconds of stirring and a quick fold: the outside stays pale and the middle soft. A pan without scratches keeps the eggs from sticking.',
  },
  {
    id: 126,
    title: 'How long leftovers keep',
    body: 'Cooked rice should be cooled within an hour and eaten within a day, as it can grow bacteria that heat does not kill. Stews and roast meat are safe for three days in the fridge. When in doubt, throw it out. Food that was left out overnight is not safe to eat, even when it smells fine.',
  },
  {
    id: 127,
    title: 'What you can freeze and what you cannot',
    body: 'Soups, bread, cooked beans and raw meat freeze well for months. Salad, whole eggs in their shell and mayonnaise do not. Write the date on every tub, because frozen food all looks the same. Frozen leftovers make a quick meal after work.',
  },
  {
    id: 128,
    title: 'Thawing meat safely',
    body: 'Defrost a chicken in the fridge overnight, never on the counter, where the outside spoils while the middle is still frozen. In a hurry, put the sealed meat into cold water and change it every half hour. Meat that has thawed is cooked the same day and not frozen again; raw juice spreads bacteria.',
  },
  {
    id: 129,
    title: 'Food poisoning and the picnic',
    body: 'Warm afternoons are when cooked food goes off. Carry chicken and egg sandwiches in a cool bag with ice, wash your hands, and bring nothing home that has been in the sun for two hours. Bacteria in spoiled food cause vomiting and cramps within hours, so leftovers of a picnic are not safe to eat.',
  },
  {
    id: 131,
    title: 'A sponge cake that stays light',
    body: 'Beat butter and sugar until pale, add the eggs one by one, and fold in the flour with a spoon. Opening the oven in the first twenty minutes lets the cold in, and the cake sinks. Bake the cake on the middle shelf, and test it with a wooden skewer.',
  },
  {
    id: 132,
    title: 'Baking powder or baking soda',
    body: 'Soda needs something sour such as yoghurt or buttermilk to react with; baking powder brings its own acid. Swapping one for the other gives a cake that tastes of soap or does not rise. Both lose their power in the cupboard after a year, and the baking turns out flat.',
  },
  {
    id: 133,
    title: 'Melting chocolate without burning it',
    body: 'Break it into a bowl over barely simmering water and stir. One drop of water makes chocolate seize into a grainy lump. Warm cream, stirred in quickly, can save it as a sauce. Dark chocolate bears more heat than white.',
  },
  {
    id: 135,
    title: 'Building a curry from whole spices',
    body: 'Fry cumin, mustard seed and coriander in hot oil until they pop, then add onions, ginger and chilli. Ground spices go in later with the tomatoes, as they burn in seconds. The smell of roasted spices should fill the kitchen before anything wet goes in.',
  },
  {
    id: 136,
    title: 'When a dish is too hot',
    body: 'Water spreads the heat of chilli, while fat carries it away. Stir in coconut milk or yoghurt, add sugar and lime, and serve with plain rice. Bread helps a burning mouth more than beer. Chilli seeds and their white ribs are the hottest part of the spice.',
  },
  {
    id: 137,
    title: 'Storing spices so they last',
    body: 'Light and warmth steal the smell of ground spices within months. Keep them in closed tins away from the stove, buy whole seeds where you can, and toast them just before grinding. Fresh chilli, ginger and herbs can be frozen in small portions.',
  },
];
