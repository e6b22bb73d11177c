/** In the place of `pg`: the application brings its own pool, and the face opens no other. */

export default {};
