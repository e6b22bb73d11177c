/** Weather: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const weather: readonly ArticleText[] = [
  {
    id: 1001,
    title: 'Reading a weather map',
    body: 'Lines of equal pressure close together mean wind. Round a low the air turns against the clock in the northern half of the world. Blue lines with teeth bring showers and cooler air; red ones with half moons bring steady rain. Forecasters read such maps from the ground up to ten kilometres.',
  },
  {
    id: 1002,
    title: 'What a thirty per cent chance of rain means',
    body: 'On three of ten days with such a forecast it rained at your place. It says nothing about how long or how hard. Look at the radar before you leave the umbrella. Forecasts of showers are less certain than forecasts of steady rain.',
  },
  {
    id: 1003,
    title: 'How far ahead can we predict?',
    body: 'Tomorrow is right nine times out of ten; a week ahead is little better than the average for the season. Small errors double every two days. Distrust anyone who promises a white Christmas in October. Forecasters run the model fifty times and look at how far the answers spread.',
  },
  {
    id: 1004,
    title: 'Radar on the phone',
    body: 'Green is drizzle, yellow is rain, red is a cloudburst. Watch the last hour to see where it is heading. Showers that spring up on hot afternoons appear on the picture only minutes before they soak you. Radar measures rain and hail, not cloud.',
  },
  {
    id: 1006,
    title: 'Thunderstorms outdoors',
    body: 'Count the seconds from flash to bang and divide by three for the kilometres. Under ten, get into a car or a house. In open country crouch with feet together, away from trees, ridges and water. Lightning prefers what stands alone and tall, so leave hills, masts and boats before the storm is near.',
  },
  {
    id: 1007,
    title: 'Why lightning strikes',
    body: "Ice grains rub in the cloud until charge builds up, and the air gives way. The bolt is hotter than the sun's surface, and the air around it bursts with the noise we call thunder. A thunderstorm cloud needs warm moist air, and lightning also jumps within it.",
  },
  {
    id: 1008,
    title: 'Hail damage',
    body: 'Stones as large as eggs dent cars and smash greenhouses. Photograph everything, cover holes against rain, and tell the insurer within a week. Shutters are closed only if it is safe to reach them. Thunderstorms in early summer bring the largest stones.',
  },
  {
    id: 1009,
    title: 'Tornado or waterspout',
    body: 'A funnel that touches the ground tears off roofs in a strip a few hundred metres wide. Go to the cellar or an inner room without windows. They last for minutes and seldom warn. Storms that turn as a whole bring forth such winds.',
  },
  {
    id: 1010,
    title: 'Storm warning',
    body: 'Tie down garden furniture, park away from trees, charge the phone. Stay out of the woods for two days after a gale, as branches hang loose. Most injuries happen while clearing up. Storms in autumn find trees in leaf and throw them more easily.',
  },
  {
    id: 1012,
    title: 'Black ice',
    body: 'Rain that falls on frozen ground turns to a glaze that nobody sees. Walk like a penguin, with short flat steps and your weight in front. Drivers should stay at home until the gritters have been. Roads on bridges and in the shade are slippery first in winter.',
  },
  {
    id: 1013,
    title: 'Frost in clear nights',
    body: 'Under a clear sky the ground loses its warmth to space, and valleys collect the cold. Cover young plants with fleece when the evening is calm and cloudless. Wind keeps frost away. Winter sun may melt the ice by noon while the shade stays slippery.',
  },
  {
    id: 1014,
    title: 'How snow forms',
    body: 'Vapour freezes on a speck of dust into six arms. Wet snow near zero makes snowmen and breaks branches; dry powder at minus ten squeaks underfoot. Ten centimetres melt to one of water. Snow on roads packs down to a slippery sheet when it is driven on.',
  },
  {
    id: 1015,
    title: 'Avalanche danger',
    body: 'Fresh snow, wind and a sudden thaw are the three signs. Most skiers set off the slab that buries them. Read the bulletin, carry a beacon, and stay below thirty degrees when the level is three. Snow on steep slopes holds like bricks or slides like sugar.',
  },
  {
    id: 1017,
    title: 'Fog and mist',
    body: 'Moist air that cools overnight fills the valley with droplets. It is fog when you see less than a kilometre. It lifts when the sun has warmed the ground, in November sometimes not at all. Drivers in fog should go as slowly as they can see.',
  },
  {
    id: 1018,
    title: 'Dew on the grass',
    body: 'On a clear still morning blades are wet without rain, because the surface cooled below the point at which the air can hold its moisture. A dry lawn at dawn foretells rain. Drops on the leaves are drunk by beetles and lizards.',
  },
  {
    id: 1019,
    title: 'Clouds and what they announce',
    body: 'Feathery streaks high up warn of a front tomorrow. Cauliflower heaps that stay flat mean fair weather; when they tower like anvils, go home. A grey sheet brings drizzle and early lamps. Clouds that grow fast before noon bring thunderstorms in the afternoon.',
  },
  {
    id: 1020,
    title: 'Red sky at night',
    body: 'The old rhyme works where weather comes from the west: a red sunset means clear air is on its way. A red dawn shows that the fine spell has passed. Sailors and shepherds made their forecasts from the sky.',
  },
  {
    id: 1022,
    title: 'Heat wave at home',
    body: 'Close windows and shutters in the morning, and air the rooms at night. Drink before you are thirsty, wet a sheet, and look in on elderly neighbours. Fans help up to 35 degrees; above that they only move hot air. Hot nights above twenty degrees wear people out more than hot days.',
  },
  {
    id: 1023,
    title: 'Feels like',
    body: 'Wind strips the warm layer off our skin and moisture stops sweat from drying. So minus five with wind bites like minus twelve, and thirty degrees in damp air is harder than thirty-six in the desert. Forecasters use it to warn of frostbite and of heat stroke.',
  },
  {
    id: 1024,
    title: 'Drought and water bans',
    body: 'After a dry winter the ground water is low long before lawns turn brown. When hosepipes are banned, use the bath for the beans. One thunderstorm runs off the baked soil and changes nothing. Rain over weeks, and not a storm, fills the wells.',
  },
  {
    id: 1025,
    title: 'Flood in the cellar',
    body: 'Do not wade into water while the power is on. Photograph the level, pump slowly after the river has fallen, and throw away food it touched. Sandbags and a valve in the drain help for the next time. Rain on frozen or baked ground runs off and floods the streets.',
  },
  {
    id: 1026,
    title: 'Monsoon',
    body: 'Land heats faster than sea, warm air rises, and moist wind flows in for months. Half the people of the world eat what this rain grows. It starts almost to the week, and when it fails there is hunger. Rain at that season falls in hours, and cities flood.',
  },
  {
    id: 1028,
    title: 'A rain gauge in the garden',
    body: 'Any straight-sided glass works: one millimetre is one litre on a square metre. Read it at the same hour, away from walls and trees. After ten years your notebook is worth more than the app. Rain, temperature and cloud noted by amateurs fill gaps between the stations.',
  },
  {
    id: 1029,
    title: 'Wind force by looking',
    body: "Smoke rises straight at zero, leaves rustle at two, whole trees move at seven, and tiles fly at nine. Beaufort's scale was made for sails and still works from the kitchen window. A storm begins at force nine, a hurricane at twelve.",
  },
];
