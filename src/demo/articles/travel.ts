/** Travel: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const travel: readonly ArticleText[] = [
  {
    id: 701,
    title: 'Packing for a week in hand luggage',
    body: 'Wear the heaviest shoes, roll the shirts, and choose clothes in two colours that all go together. Liquids in bottles of 100 ml, one clear bag. A small suitcase spares you the wait at the belt and the fee. Travellers without checked baggage walk straight from the plane to the train.',
  },
  {
    id: 702,
    title: 'Lost luggage: what to do',
    body: "Report the missing suitcase at the airline's desk before you leave the airport and keep the tag. Necessary purchases are paid back against receipts. After twenty-one days the bag counts as lost for good. Airlines lose few bags, and nearly all luggage turns up within two days.",
  },
  {
    id: 703,
    title: 'Flight delayed by hours',
    body: 'In Europe a delay of three hours or more may earn you 250 to 600 euros, unless the weather or a strike at the tower is to blame. Keep the boarding pass, ask for the reason in writing, and claim from the airline yourself. Airlines owe passengers compensation as well when a late plane makes them miss a connection.',
  },
  {
    id: 704,
    title: 'Cheap plane tickets',
    body: 'Airfares change several times a day, and there is no magic Tuesday. Be flexible by three days, look at nearby airports, and add the price of the bag and the seat before you compare. Private windows change nothing. Airlines sell the same seat in the plane at ten different prices.',
  },
  {
    id: 705,
    title: 'Sleeping on a long flight',
    body: 'A window seat, a neck pillow that supports the chin, earplugs and no alcohol. Set your watch to the time at your destination when you board, and eat when they do. Passengers on a night plane should drink water and walk the aisle every two hours.',
  },
  {
    id: 706,
    title: 'Jet lag eastwards',
    body: 'Flying east robs you of hours and is harder than west. Go to bed an hour earlier for three days before, seek daylight in the morning after you land, and keep the first nap short. Travellers who cross eight time zones need about a week until they sleep well.',
  },
  {
    id: 708,
    title: 'Passport about to expire',
    body: 'Many countries turn you away if the passport is valid for less than six months. Renewal takes up to eight weeks in spring, so check the date when you book and not when you pack. Border officers look at travel documents, not at excuses, when you go abroad.',
  },
  {
    id: 709,
    title: 'Passport stolen abroad',
    body: 'Go to the police for a report and with it to your consulate, which issues an emergency paper within a day or two. A scan of the document in your mail helps more than anything. Report stolen travel documents before you go on to another country.',
  },
  {
    id: 710,
    title: 'Do I need a visa?',
    body: "The embassy's own page is the only one to trust: agencies with official looking names charge triple for the same form. Apply a month ahead, with a photograph, proof of lodging and a return ticket. Travel documents for going abroad differ from country to country, and the passport has to have empty pages.",
  },
  {
    id: 711,
    title: 'Copies of everything',
    body: 'Photograph your passport, tickets, cards and prescriptions, and leave a set with somebody at home. If the bag goes, you have the numbers to block and the papers to show. Paper copies of travel documents help abroad when the phone is empty or stolen.',
  },
  {
    id: 713,
    title: 'Trains through Europe',
    body: 'Night trains save a hotel and a day. Seats on fast lines are cheapest three months ahead, while regional tickets never change. The pass pays if you take more than four long rides in a week. Railways sell passes for young and old travellers.',
  },
  {
    id: 714,
    title: 'Missed the connection',
    body: 'If a late train makes you miss the next, the conductor can free you from the reservation, and the railway pays for a hotel when nothing runs until morning. Ask for a stamp before you leave the platform. Passengers with one ticket for the whole journey have more rights than those with two.',
  },
  {
    id: 715,
    title: 'Travelling by coach',
    body: 'A long-distance bus costs a third of the train and takes twice as long. Sit near the front if curves turn your stomach, bring water and a jacket against the cold air, and get out at every stop. Coach passengers keep valuables with them and put suitcases below.',
  },
  {
    id: 717,
    title: 'Finding a quiet hotel room',
    body: 'Ask for a room on an upper floor, away from the lift and facing the courtyard. Read the worst reviews first: everybody praises breakfast, but only those who lay awake mention the bar below. Guests who stay one night near the airport should pay for quiet rather than for a view.',
  },
  {
    id: 718,
    title: 'Holiday flat or hotel',
    body: 'An apartment with a kitchen pays off for families and for stays of a week. Count the cleaning fee and the deposit. A hotel has somebody to call when the shower is cold. Guests get more place for their money in an apartment when they stay longer than three nights.',
  },
  {
    id: 719,
    title: 'Hostels for grown-ups',
    body: 'Many hostels offer private rooms at half the price of a hotel, with a kitchen and company if you want it. Bring a padlock, flip-flops and earplugs. A bed in a dormitory is the cheapest place to stay the night in most cities.',
  },
  {
    id: 720,
    title: 'Camping in the rain',
    body: 'Pitch the tent on a slight slope, with the door away from the wind, and dig nothing. Wet things stay in the porch. A tarpaulin between two trees turns a rainy day into an afternoon with cards. A place for the tent with trees to the west stays cool in the morning.',
  },
  {
    id: 722,
    title: 'Money in a foreign country',
    body: 'Pay in the local currency when the machine offers to convert, as its rate is always worse. Draw larger sums less often, from banks and not from boxes in the street, and carry two cards in two pockets. Banks charge travellers abroad less than exchange offices do.',
  },
  {
    id: 723,
    title: 'Pickpockets in the crowd',
    body: 'They work where people look up: at stations, in front of monuments, on escalators. Wear the bag in front, keep the wallet out of the back pocket, and be wary of anyone who cleans your jacket. Thieves look for travellers with open bags, phones and wallets in their hands.',
  },
  {
    id: 724,
    title: 'Tipping around the world',
    body: 'In Japan a tip offends, in the United States the waiter lives on it. In most of Europe you round up. Ask a local, and when in doubt leave a tenth. Waiters abroad are paid by different rules.',
  },
  {
    id: 726,
    title: 'Seasick, carsick, airsick',
    body: 'Look at the horizon, sit where it moves least, which is mid-ship, the front seat or over the wing, and eat something dry before. Ginger helps some; tablets work if you take them before nausea begins. Travellers who feel nausea should get fresh air and close their eyes.',
  },
  {
    id: 727,
    title: 'Vaccinations before a long trip',
    body: 'See a travel doctor six weeks before you leave, because some jabs need two doses. Hepatitis and tetanus are worth having everywhere; yellow fever is asked for at some borders. Clinics for travellers also know about malaria tablets.',
  },
  {
    id: 728,
    title: 'Stomach trouble on holiday',
    body: 'Boil it, peel it or leave it. If it gets you all the same, drink water with sugar and salt in small sips, rest, and see a doctor if there is blood or fever. Travellers with diarrhoea need salt and sugar more than medicine.',
  },
  {
    id: 729,
    title: 'Hiking in the mountains',
    body: 'Set out at dawn, tell someone your route, and turn back at noon if the clouds build. Sturdy boots, a rain jacket, water and a paper map weigh little. Going down hurts the knees more than the climb. Mountain huts offer walkers a bed and soup, if they book a place.',
  },
  {
    id: 730,
    title: 'City break with one day',
    body: 'Pick one museum, one walk and one meal, and leave the rest for next time. Left-luggage lockers at the station free your hands. Mondays are when museums close. Visitors see more of a city on foot than from a bus.',
  },
  {
    id: 731,
    title: 'Ferry timetable',
    body: 'Crossings in the summer season, replaced by the company since. Passengers with bicycles board first; luggage goes on the car deck.',
    status: 'archived',
  },
];
