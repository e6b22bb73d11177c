/** Home repair: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const home: readonly ArticleText[] = [
  {
    id: 501,
    title: 'A tap that drips',
    body: 'A dripping tap wastes a bathtub of water a month, and the cause is a washer that costs pennies. Turn off the water under the sink, unscrew the handle, change the rubber disc and put it back with a little grease. A faucet that leaks hot water costs heating as well, and the repair is the same.',
  },
  {
    id: 502,
    title: 'Unblocking the kitchen sink',
    body: 'Boiling water melts fat, and a plunger moves the rest. If the sink still stands full, put a bucket below and unscrew the trap: the clog is nearly always there. Chemical cleaners damage pipes and hands. The blocked trap under the basin or the sink is full of grease, so put the bucket there before you unscrew the pipe.',
  },
  {
    id: 503,
    title: 'A slow shower drain',
    body: 'Hair and soap form a plug just below the grate. Pull it out with a bent wire or a plastic strip with barbs. Once a month, baking soda and hot water keep the drain clear. A blocked drain in shower, basin or tub smells before it overflows.',
  },
  {
    id: 504,
    title: 'Toilet keeps running',
    body: 'Water that trickles into the bowl all day comes past a worn flap or a float that is set too high. Lift the lid of the tank, bend the float arm down, and if that does not stop it, change the seal. A toilet tank that leaks can waste more water than the dripping faucet.',
  },
  {
    id: 505,
    title: 'Burst pipe: the first ten minutes',
    body: 'Close the main stopcock, open every tap to empty the pipes, and switch off the electricity if water is near it. Then call a plumber. Everybody in the house should know where the valve is before it happens. Pipes in unheated rooms freeze and burst first, so wrap them before winter.',
  },
  {
    id: 506,
    title: 'Low water pressure upstairs',
    body: 'A clogged aerator is the commonest cause: unscrew the sieve at the end of the faucet and soak it in vinegar. If all taps are weak, look at the main valve or ask the neighbours. Old pipes of iron rust inside and carry less water each year.',
  },
  {
    id: 508,
    title: 'Radiator cold at the top',
    body: 'Air collects at the top of a radiator and keeps hot water out. Hold a cloth under the valve, open it with a bleed key until the hiss ends and water comes, and then check the pressure of the boiler. A room stays cold when the heating works but the radiator holds air or stands behind furniture.',
  },
  {
    id: 509,
    title: 'Boiler loses pressure',
    body: 'If the gauge falls below one bar every week, there is a leak somewhere: look for damp under radiators and at the safety valve. Topping up is easy, but more than twice a year means calling an engineer. When the boiler stops, the whole house stays cold and the radiators with it.',
  },
  {
    id: 510,
    title: 'Setting the heating timer',
    body: 'Let the heating start half an hour before you rise and stop half an hour before you leave. One degree less in the rooms saves about six per cent of the fuel. Thermostats hidden behind curtains measure the curtain. A house that was allowed to get cold needs more heating in the evening than it saved.',
  },
  {
    id: 511,
    title: 'Draughty windows',
    body: 'Hold a candle near the frame on a windy day and watch the flame. Foam strips close gaps for a few years, silicone for longer. Heavy curtains keep warmth in at night for the price of the cloth. A draughty house stays cold however high the heating is turned up.',
  },
  {
    id: 512,
    title: 'Insulating the attic',
    body: "A quarter of the heat leaves through the roof. Rolls of mineral wool as thick as a forearm between the joists are a weekend's work, and they pay for themselves in three winters. Wear a mask and leave the eaves open for air. An insulated house stays warm in winter, cool in summer, and the heating runs half as long.",
  },
  {
    id: 514,
    title: 'Filling holes in plaster',
    body: 'Brush out the dust, wet the hole, and press filler in with a broad knife, a little proud of the wall. Sand it when dry. Deep holes want two coats, as thick filler shrinks and cracks. Plaster, paint and wallpaper hide the repair when the wall is smooth.',
  },
  {
    id: 515,
    title: 'Painting a room in a weekend',
    body: 'Wash the walls, mask the edges, and paint the ceiling first. Two thin coats cover better than one thick one. Cut in with a brush along the corners and roll the rest while the edge is still wet. Good paint, rollers and brushes save a third coat on walls and ceilings.',
  },
  {
    id: 516,
    title: 'Paint that peels',
    body: 'Flaking paint tells of damp or of a glossy coat that nobody sanded. Scrape it off, dry the wall, prime it, and only then paint again. New colour over loose colour comes down with it. Walls near showers and kettles need paint that bears moisture.',
  },
  {
    id: 517,
    title: 'Hanging shelves on plasterboard',
    body: 'Find the studs with a magnet, because a screw in plain board holds a picture and nothing more. Between the studs use hollow-wall anchors. A spirit level is cheaper than crooked books. Heavy shelves and cupboards belong on brick walls with long screws.',
  },
  {
    id: 518,
    title: 'Drilling into tiles',
    body: 'Stick tape over the mark so that the bit does not wander, start slowly without hammer action, and use a glass or diamond bit. Switch the hammer on only when you are through the tile and in the brick. Drill holes in the joint between two tiles where you can.',
  },
  {
    id: 520,
    title: 'Black mould in the bathroom',
    body: 'Mould grows where warm moist air meets a cold wall. Wipe it off with spirit or chlorine, wear gloves, and then change the cause: open the window wide after every shower and keep furniture off outer walls. Mildew and mould on damp walls trigger coughs and asthma.',
  },
  {
    id: 521,
    title: 'Condensation on windows',
    body: 'Water on the panes in the morning means the air indoors is too humid. Air the rooms for five minutes with all windows open, cook with lids, and dry the laundry elsewhere. Damp corners turn black with mildew. Damp air settles on the coldest walls, and mildew follows within weeks.',
  },
  {
    id: 522,
    title: 'Rising damp in old walls',
    body: 'A tide mark that ends at knee height and salt on the plaster point to water drawn up from the ground. Find out first whether a gutter leaks or the soil outside stands too high; both are cheaper than injections. Old cellar walls were always damp; mould is the sign that air is missing.',
  },
  {
    id: 523,
    title: 'Leaking roof tiles',
    body: 'A stain on the ceiling is rarely below the hole, as water runs along the beams. Look in the attic with a torch while it rains, mark the place, and slide a new tile in on a dry day, tied to a ladder. A leak in the roof shows as a damp patch on wall or ceiling.',
  },
  {
    id: 524,
    title: 'Cleaning gutters before winter',
    body: 'Leaves block the downpipe, and the overflow soaks the wall. Scoop them out in November from a steady ladder, rinse with a hose, and fit a mesh if trees overhang the house. Blocked gutters are behind many damp walls, and clean ones save the paint.',
  },
  {
    id: 526,
    title: 'A fuse keeps blowing',
    body: 'Unplug everything on that circuit, reset the breaker, and plug things in one by one: the one that trips it is the culprit. If it trips with nothing plugged in, call an electrician and leave it off. Too many heaters on one circuit also cut the electricity to the room.',
  },
  {
    id: 527,
    title: 'Changing a light switch',
    body: 'Turn the power off at the fuse box and test that the wires are dead, twice. Photograph the old connections, move one wire at a time to the new switch, and screw the plate back on without pinching anything. Electricity kills; whoever is unsure leaves switches and sockets to an electrician.',
  },
  {
    id: 528,
    title: 'LED bulbs that flicker',
    body: 'An old dimmer is made for bulbs of sixty watts and cannot hold a lamp of six. Fit a dimmer for LEDs or bulbs marked as dimmable. Flicker without a dimmer points to a loose contact. Lamps, dimmers and electric switches have to match.',
  },
  {
    id: 530,
    title: 'Squeaking floorboards',
    body: 'The noise is wood rubbing on a nail. Screw the board down to the joist beside the old nail, or puff talcum powder into the gap. Look out for pipes and cables before you drill. Carpet hides the noise of wooden floors but not the cause.',
  },
  {
    id: 531,
    title: 'A door that sticks',
    body: 'Doors swell in a wet summer. Rub chalk on the edge, close it, and plane where the chalk has gone. If it scrapes at the bottom on the handle side, tighten the upper hinge first. Wooden doors and windows move with the weather, so take off little.',
  },
  {
    id: 532,
    title: 'Locked out of the house',
    body: 'A locksmith who asks for a hundred more after seeing the door is common enough to have a name. Ask for the price on the phone, and leave a spare key with a neighbour before you need one. Locks, keys and doors that are old can often be opened without damage.',
  },
  { id: 533, title: 'Photographs of the damp wall', body: '' },
];
